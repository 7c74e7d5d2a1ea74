"""Dataset examples by class: what a class's own images look like that excite the channels its attribution graph keeps.

Which channels are kept is worked out as the loader does it (`rank`, `extract`), from the counts of the class. The
strips of a class lie one behind another in one file, since there would be tens of thousands of files otherwise.
"""

import shutil
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from arete_core.errors import ConvergenceError
from arete_core.extract import extract
from arete_core.layout import Layout
from arete_core.progress import Progress
from arete_core.rank import rank_class
from arete_core.run_schema import CLASS_EXAMPLES, CLASS_SPRITES
from arete_ingest.collapse import Edges
from arete_ingest.examples import TILE_MEMORY_BYTES, cut_tiles, examples_of, table_of
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.strips import encode_strip
from arete_ingest.strongest import Strongest
from arete_ingest.transform import ImageTransform

CLASS_EXAMPLES_FOLDER = "class-examples"
CLASS_TILE_PX = 64
"""Largest side of a tile: a row of ten on a hover card is as wide as the card."""


class KeptExamples(NamedTuple):
    """The strongest images of a class's kept channels.

    Attributes:
        class_: The class's index.
        layers: int (channel,), ascending.
        channels: int (channel,), ascending within a layer.
        strongest: With a row for each of them.
    """

    class_: int
    layers: np.ndarray
    channels: np.ndarray
    strongest: Strongest


class ClassExampleTables(NamedTuple):
    """Rows of `class_examples.parquet` and `class_sprites.parquet`."""

    examples: pa.Table
    sprites: pa.Table


def kept_examples(
    class_: int, layout: Layout, counts: np.ndarray, edges: Edges, strongest: Sequence[Strongest]
) -> KeptExamples:
    """Picks the examples of the channels that a class's attribution graph keeps.

    Args:
        class_: The class's index.
        layout: The run's channels.
        counts: A of all channels, by position.
        edges: I of the class.
        strongest: Per layer, of the class's images.

    Returns:
        The kept channels; none where the class has no graph.
    """
    sources = layout.offsets[edges.source_layer] + edges.source_channel
    targets = layout.offsets[edges.target_layer] + edges.target_channel
    try:
        ranks = rank_class(layout, counts.astype(np.int64), sources, targets, edges.count)
    except ConvergenceError:  # then the loader says so; the counts are worth keeping
        kept = np.zeros(0, np.int64)
    else:
        kept = np.flatnonzero(extract(layout, ranks, sources, targets).kept)
    layers = layout.layer[kept]
    channels = kept - layout.offsets[layers]
    rows = [
        [array[channel] for array in strongest[layer]]
        for layer, channel in zip(layers.tolist(), channels.tolist(), strict=True)
    ]
    if not rows:
        return KeptExamples(class_, layers, channels, Strongest(*(array[:0] for array in strongest[0])))
    return KeptExamples(class_, layers, channels, Strongest(*map(np.stack, zip(*rows, strict=True))))


def cut_class_examples(
    folder: Path,
    *,
    root: Path,
    files: Sequence[str],
    graph: LayerGraph,
    kept: Sequence[KeptExamples],
    transform: ImageTransform,
    tile_px: int,
    threads: int,
    progress: Progress,
    memory_bytes: int = TILE_MEMORY_BYTES,
) -> ClassExampleTables:
    """Writes `class-examples/CLASS.pack` for every class with a graph.

    Args:
        folder: Run folder; its `class-examples` folder is made anew.
        root: Data folder.
        files: By image id, paths relative to it.
        graph: The traced model.
        kept: Of every class, by index.
        transform: How a picture became the model's input.
        tile_px: Side of a tile.
        threads: How many threads work.
        progress: Where to report to, one step a class.
        memory_bytes: What the tiles that are cut at once may take; of one channel at least.

    Returns:
        The tables. Memory: `memory_bytes` at most, and the tables.

    Raises:
        DatasetError: If an image that was counted cannot be read any more.
    """
    pictures = folder / CLASS_EXAMPLES_FOLDER
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir()
    rows: list[tuple[Any, ...]] = []
    sprites: list[tuple[Any, ...]] = []
    with (
        progress.task("Cut examples of classes", total=len(kept), unit="classes") as task,
        ThreadPoolExecutor(threads, thread_name_prefix="class-examples") as pool,
    ):
        for one in kept:
            listed = (
                examples_of(graph, layer, channel, one.strongest, row, transform.image_size)
                for row, (layer, channel) in enumerate(zip(one.layers.tolist(), one.channels.tolist(), strict=True))
            )
            channels = [examples for examples in listed if examples]
            name = f"{CLASS_EXAMPLES_FOLDER}/{one.class_}.pack"
            offset = 0
            at_once = max(1, memory_bytes // (max(map(len, channels), default=1) * tile_px * tile_px * 3))
            for first in range(0, len(channels), at_once):
                block = channels[first : first + at_once]
                tiles = cut_tiles(pool, block, root, files, transform, tile_px)
                strips = pool.map(
                    encode_strip, (own[: len(examples)] for own, examples in zip(tiles, block, strict=True))
                )
                with (folder / name).open("ab") as file:
                    for examples, (data, digest) in zip(block, strips, strict=True):
                        file.write(data)
                        place = (one.class_, examples[0].layer, examples[0].channel, name, offset, len(data))
                        sprites.append((*place, len(examples), tile_px, digest))
                        offset += len(data)
            rows += [(one.class_, *example.as_row()) for examples in channels for example in examples]
            task.advance()
    return ClassExampleTables(table_of(rows, CLASS_EXAMPLES), table_of(sprites, CLASS_SPRITES))
