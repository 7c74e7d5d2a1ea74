"""Dataset examples: for each channel the images that excite it most, cut to what its strongest position saw.

Steps, for as many channels at a time as fit into `TILE_MEMORY_BYTES`: decode every image that is needed once, cut all
its tiles, then draw and write the strips. Decoding, cutting and drawing run in threads; Pillow lets the others run.
Channels that no image excites have no examples.
"""

import shutil
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from arete_core.errors import DatasetError
from arete_core.progress import Progress, Task
from arete_core.run_schema import EXAMPLES, SPRITES
from arete_ingest.images import UnreadableImageError, read_image
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.strips import Box, cut_tile, encode_strip
from arete_ingest.strongest import Strongest
from arete_ingest.transform import ImageTransform

EXAMPLES_FOLDER = "examples"
TILE_MEMORY_BYTES = 800 * 2**20  # GoogLeNet's 5,808 channels x 10 tiles of 96 x 96 x 3 bytes are 1.5 GiB: two blocks


class ExampleTables(NamedTuple):
    """Rows of `examples.parquet` and `sprites.parquet`."""

    examples: pa.Table
    sprites: pa.Table


class Example(NamedTuple):
    """An image that excites a channel, and what of it the channel saw."""

    layer: int
    channel: int
    rank: int
    image: int
    box: Box
    activation: float

    def as_row(self) -> tuple[Any, ...]:
        """Returns the row of `examples.parquet`."""
        return (self.layer, self.channel, self.rank, self.image, *self.box, self.activation)


def cut_examples(
    folder: Path,
    *,
    root: Path,
    files: Sequence[str],
    graph: LayerGraph,
    strongest: Sequence[Strongest],
    transform: ImageTransform,
    tile_px: int,
    threads: int,
    progress: Progress,
    memory_bytes: int = TILE_MEMORY_BYTES,
) -> ExampleTables:
    """Writes `examples/LAYER-CHANNEL.webp` for every channel that some image excites.

    Args:
        folder: Run folder; its `examples` folder is made anew.
        root: Data folder.
        files: By image id, paths relative to it.
        graph: The traced model.
        strongest: Per layer the strongest images, of the whole run.
        transform: How a picture became the model's input.
        tile_px: Side of a tile.
        threads: How many threads work.
        progress: Where to report to, one step a channel.
        memory_bytes: What the tiles that are cut at once may take; of one channel at least.

    Returns:
        The tables. Memory: `memory_bytes` at most, and the tables. Time on 2 cores: GoogLeNet's 58,080 tiles of
        64 x 64 images about 40 s.

    Raises:
        DatasetError: If an image that was counted cannot be read any more.
    """
    pictures = folder / EXAMPLES_FOLDER
    shutil.rmtree(pictures, ignore_errors=True)
    pictures.mkdir()
    channels = [
        examples
        for layer, found in zip(graph.layers, strongest, strict=True)
        for channel in range(layer.channels)
        if (examples := examples_of(graph, layer.index, channel, found, channel, transform.image_size))
    ]
    per_channel = max((len(examples) for examples in channels), default=1) * tile_px * tile_px * 3
    at_once = max(1, memory_bytes // per_channel)
    sprites: list[tuple[int, int, str, int, int, str]] = []
    with (
        progress.task("Cut examples", total=len(channels), unit="channels") as task,
        ThreadPoolExecutor(threads, thread_name_prefix="examples") as pool,
    ):
        for first in range(0, len(channels), at_once):
            block = channels[first : first + at_once]
            tiles = cut_tiles(pool, block, root, files, transform, tile_px)
            sprites += _draw_block(pool, block, tiles, pictures, tile_px, task)
    rows = [example.as_row() for examples in channels for example in examples]
    return ExampleTables(table_of(rows, EXAMPLES), table_of(sprites, SPRITES))


def table_of(rows: Sequence[tuple[Any, ...]], schema: pa.Schema) -> pa.Table:
    """Makes a table of rows."""
    if not rows:
        return schema.empty_table()
    columns = zip(*rows, strict=True)
    arrays = [pa.array(column, type=field.type) for column, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


def examples_of(
    graph: LayerGraph, layer: int, channel: int, strongest: Strongest, row: int, image_size: int
) -> list[Example]:
    """Lists a channel's examples.

    Args:
        graph: The traced model.
        layer: The layer's index.
        channel: The channel's index in it.
        strongest: Holds its strongest images.
        row: In which row.
        image_size: Side of the model's input.

    Returns:
        The examples, best first; none where no image excites the channel.
    """
    found = []
    for rank in range(strongest.image.shape[1]):
        image = int(strongest.image[row, rank])
        if image < 0:
            break
        y, x = divmod(int(strongest.position[row, rank]), graph.layers[layer].width)
        box = Box(*graph.receptive_box(layer, y, x, image_size))
        found.append(Example(layer, channel, rank, image, box, float(strongest.activation[row, rank])))
    return found


def cut_tiles(
    pool: ThreadPoolExecutor,
    block: Sequence[list[Example]],
    root: Path,
    files: Sequence[str],
    transform: ImageTransform,
    tile_px: int,
) -> np.ndarray:
    """Cuts the tiles of some channels, decoding each image once.

    Args:
        pool: Threads that work.
        block: Each channel's examples.
        root: Data folder.
        files: By image id, paths relative to it.
        transform: How a picture became the model's input.
        tile_px: Side of a tile.

    Returns:
        uint8 (channel, rank, tile_px, tile_px, 3); undefined where a channel has fewer examples.

    Raises:
        DatasetError: If an image that was counted cannot be read any more.
    """
    most = max(len(examples) for examples in block)
    tiles = np.empty((len(block), most, tile_px, tile_px, 3), np.uint8)
    wanted: dict[int, list[tuple[int, Example]]] = defaultdict(list)
    for row, examples in enumerate(block):
        for example in examples:
            wanted[example.image].append((row, example))

    def cut(image: int) -> None:
        try:
            pixels = transform.pixels(read_image(root / files[image]))
        except UnreadableImageError as error:
            raise DatasetError(
                f"{files[image]} was counted but cannot be read any more: {error}",
                hint="put the image back and run the same command again",
            ) from error
        for row, example in wanted[image]:
            tiles[row, example.rank] = cut_tile(pixels, example.box, tile_px)

    for _ in pool.map(cut, sorted(wanted), chunksize=1):
        pass
    return tiles


def _draw_block(
    pool: ThreadPoolExecutor,
    block: Sequence[list[Example]],
    tiles: np.ndarray,
    pictures: Path,
    tile_px: int,
    task: Task,
) -> list[tuple[int, int, str, int, int, str]]:
    def draw(row: int) -> tuple[int, int, str, int, int, str]:
        examples = block[row]
        layer, channel = examples[0].layer, examples[0].channel
        data, digest = encode_strip(tiles[row, : len(examples)])
        name = f"{layer}-{channel}.webp"
        # Not flushed one by one, which would take longer than drawing: the job flushes all at once before it is done.
        (pictures / name).write_bytes(data)
        return layer, channel, f"{EXAMPLES_FOLDER}/{name}", len(examples), tile_px, digest

    drawn = []
    for sprite in pool.map(draw, range(len(block))):
        drawn.append(sprite)
        task.advance()
    return drawn
