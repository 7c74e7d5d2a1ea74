"""The tables of a run folder: names, columns, types. `docs/run-format.md` says the same in prose.

A layer is its integer index in `layers.parquet` (0 = nearest the input), a class its integer index in
`classes.parquet`, a channel its index inside its layer, an image its integer id in `images.parquet`.
Counts are integers, never scaled.
"""

from typing import Final

import pyarrow as pa

FORMAT_VERSION: Final = 3
"""Version of the run folder. A reader refuses a higher one and reads every lower one. 2 added given graphs, 3 feature
visualizations, atlases and instances."""


def _schema(*columns: tuple[str, pa.DataType], nullable: tuple[str, ...] = ()) -> pa.Schema:
    return pa.schema([pa.field(name, type_, nullable=name in nullable) for name, type_ in columns])


LAYERS: Final = _schema(
    ("layer", pa.int32()),
    ("name", pa.string()),
    ("kind", pa.string()),
    ("channels", pa.int32()),
    ("parents", pa.list_(pa.int32())),
    ("height", pa.int32()),
    ("width", pa.int32()),
)
"""Shown layers. `parents`: the layers whose channels are joined to this one's by edges. `height`, `width`: of the
activation map for one image at the run's input size."""

CHANNELS: Final = _schema(
    ("layer", pa.int32()),
    ("channel", pa.int32()),
    ("excluded", pa.bool_()),
    ("reason", pa.string()),
    nullable=("reason",),
)

CLASSES: Final = _schema(
    ("class", pa.int32()),
    ("name", pa.string()),
    ("kind", pa.string()),
    ("images", pa.int64()),
    ("failed", pa.int64()),
    ("accuracy", pa.float64()),
    ("histogram", pa.list_(pa.int64())),
    nullable=("accuracy", "histogram"),
)
"""`kind`: `label`, `superclass`, `subset` or `image`. `images`: counted; `failed`: left out because they could not be
read. `accuracy` (0 to 1) and `histogram` (ten bins of the predicted probability of each image's own label), of all its
images that could be read, are null where the model's outputs could not be matched to classes."""

ACTIVATIONS: Final = _schema(
    ("class", pa.int32()),
    ("layer", pa.int32()),
    ("channel", pa.int32()),
    ("count", pa.int64()),
    ("top_k_count", pa.int64()),
)
"""A, rows with `count` or `top_k_count` above 0, sorted by class, layer, channel."""

COUNT_COLUMNS: Final = {"share": "count", "top-k": "top_k_count"}
"""Which column of `activations` holds A, by the run's `method`."""

SCORES: Final = _schema(
    ("class", pa.int32()),
    ("name", pa.string()),
    ("layer", pa.int32()),
    ("channel", pa.int32()),
    ("score", pa.float64()),
)
"""Further scores of channels for classes, by name: anything that a ranking may restart in proportion to. Finite; a
channel without a row has none. Sorted by class, name, layer, channel."""

INFLUENCES: Final = _schema(
    ("class", pa.int32()),
    ("source_layer", pa.int32()),
    ("source_channel", pa.int32()),
    ("target_layer", pa.int32()),
    ("target_channel", pa.int32()),
    ("count", pa.int64()),
)
"""I between shown layers, rows with a count above 0, sorted by class, target layer, target channel, source layer,
source channel."""

IMAGES: Final = _schema(
    ("image", pa.int64()),
    ("class", pa.int32()),
    ("path", pa.string()),
    ("predicted", pa.int32()),
    ("probability", pa.float32()),
    ("error", pa.string()),
    nullable=("predicted", "probability", "error"),
)
"""Every image of the job, each file once. `class`: its label, even where that is no class of the run. `path`: relative
to the data folder, with forward slashes, and never leaves the service. `predicted`: the class index with the largest
output, null where outputs are not matched to classes. `probability`: of its label. `error`: null for an image that was
read, else why it was left out."""

MEMBERS: Final = _schema(
    ("class", pa.int32()),
    ("image", pa.int64()),
)
"""The images of every class set that is no label, sorted by class, image. Those of a label are the rows of `images`
with its `class`."""

EXAMPLES: Final = _schema(
    ("layer", pa.int32()),
    ("channel", pa.int32()),
    ("rank", pa.int32()),
    ("image", pa.int64()),
    ("left", pa.int32()),
    ("top", pa.int32()),
    ("right", pa.int32()),
    ("bottom", pa.int32()),
    ("activation", pa.float32()),
)
"""Dataset examples, rank 0 the strongest. The box is the receptive field of the strongest position, in pixels of the
image as the model saw it (after resize and crop), clipped to it; right and bottom are exclusive."""

SPRITES: Final = _schema(
    ("layer", pa.int32()),
    ("channel", pa.int32()),
    ("file", pa.string()),
    ("tiles", pa.int32()),
    ("tile_px", pa.int32()),
    ("sha256", pa.string()),
)
"""One picture strip a channel: its examples side by side, best first, each `tile_px` square. `file` is relative to the
run folder."""

CLASS_EXAMPLES: Final = _schema(
    ("class", pa.int32()),
    *((field.name, field.type) for field in EXAMPLES),
)
"""Dataset examples of a channel among one class's images, for the channels that the class's graph keeps."""

CLASS_SPRITES: Final = _schema(
    ("class", pa.int32()),
    ("layer", pa.int32()),
    ("channel", pa.int32()),
    ("file", pa.string()),
    ("offset", pa.int64()),
    ("bytes", pa.int64()),
    ("tiles", pa.int32()),
    ("tile_px", pa.int32()),
    ("sha256", pa.string()),
)
"""The picture strips of `class_examples`, those of a class one behind another in one file: each is the `bytes` from
`offset` on, a picture of its own, whose hash `sha256` is. `file` is relative to the run folder."""

EMBEDDINGS: Final = _schema(
    ("layer", pa.int32()),
    ("class", pa.int32()),
    ("x", pa.float32()),
    ("y", pa.float32()),
)
"""Where each class lies in each layer: UMAP of the classes' A, alike ones near each other. In each layer centred at 0,
with a root mean square distance of 1 from it. Sorted by layer, class."""

FEATURES: Final = _schema(
    ("layer", pa.int32()),
    ("channel", pa.int32()),
    ("file", pa.string()),
    ("tiles", pa.int32()),
    ("tile_px", pa.int32()),
    ("sha256", pa.string()),
    ("activation", pa.float32()),
    ("error", pa.string()),
    nullable=("file", "sha256", "activation", "error"),
)
"""One feature visualization a channel: tile 0 the picture that excites the channel most, further tiles different
pictures that excite it too. `file` is relative to the run folder. `activation`: of the channel for tile 0, largest over
space; null where an imported run does not tell. Where none could be made, `error` says why, `file` and `sha256` are
null, and `tiles` is 0."""

ATLASES: Final = _schema(
    ("kind", pa.string()),
    ("layer", pa.int32()),
    ("file", pa.string()),
    ("sha256", pa.string()),
    ("tile_px", pa.int32()),
    ("columns", pa.int32()),
    ("channels", pa.list_(pa.int32())),
)
"""One picture a layer with the first tile of each of its channels that has one. `kind`: `features` or `examples`.
`channels`: in the order of the tiles, row by row, `columns` a row; `tile_px`: side of a tile. `file` is relative to the
run folder."""

INSTANCES: Final = _schema(
    ("image", pa.int64()),
    ("strip", pa.int32()),
    ("tile", pa.int32()),
)
"""Images that have rows in the following tables, and which tile of which strip of `thumbnails` shows each. Sorted by
image."""

INSTANCE_ACTIVATIONS: Final = _schema(
    ("layer", pa.int32()),
    ("image", pa.int64()),
    ("largest", pa.float32()),
    ("shares", pa.list_(pa.float16())),
)
"""The channel maxima of single images: of each channel of the layer the largest activation over space, not below 0, as
a share of `largest`, the largest of them (0 where all are). One row for each of the layers and each image of
`instances`, sorted by layer, image."""

INSTANCE_PLACES: Final = _schema(
    ("layer", pa.int32()),
    ("image", pa.int64()),
    ("x", pa.float32()),
    ("y", pa.float32()),
)
"""Where each image of `instances` lies among them in each of the layers: UMAP of its channel maxima, otherwise as in
`embeddings`. Sorted by layer, image."""

THUMBNAILS: Final = _schema(
    ("strip", pa.int32()),
    ("file", pa.string()),
    ("sha256", pa.string()),
    ("tiles", pa.int32()),
    ("tile_px", pa.int32()),
)
"""Strips of thumbnails, square tiles side by side. `file` is relative to the run folder."""

CLASS_THUMBNAILS: Final = _schema(
    ("class", pa.int32()),
    ("image", pa.int64()),
    ("strip", pa.int32()),
    ("tile", pa.int32()),
)
"""For each class with an image in `instances` the one that stands for it, and a tile that shows it. Sorted by class."""

GRAPHS: Final = _schema(
    ("class", pa.int32()),
    ("mass", pa.float64()),
    nullable=("mass",),
)
"""Of a run whose ranks and attribution graphs are given and not worked out from its counts: every class, and the share
of each layer's rank mass that its graph was cut at (above 0, at most 1), null where it has no graph."""

RANKS: Final = _schema(
    ("class", pa.int32()),
    ("layer", pa.int32()),
    ("channel", pa.int32()),
    ("rank", pa.float64()),
    ("entry", pa.float64()),
)
"""Given ranks, above 0, sorted by class, layer, channel; a channel without a row has rank 0. `entry`: share of its
layer's rank mass that channels ranked before it hold (0 to 1); the class's graph is the channels whose entry is below
its `mass`."""

ATTRIBUTES: Final = _schema(
    ("class", pa.int32()),
    ("source_layer", pa.int32()),
    ("source_channel", pa.int32()),
    ("target_layer", pa.int32()),
    ("target_channel", pa.int32()),
)
"""The edges of the given graphs, each also in `influences`, sorted as there."""

TABLES: Final[dict[str, pa.Schema]] = {
    "layers": LAYERS,
    "channels": CHANNELS,
    "classes": CLASSES,
    "activations": ACTIVATIONS,
    "scores": SCORES,
    "influences": INFLUENCES,
    "images": IMAGES,
    "members": MEMBERS,
    "examples": EXAMPLES,
    "sprites": SPRITES,
    "class_examples": CLASS_EXAMPLES,
    "class_sprites": CLASS_SPRITES,
    "embeddings": EMBEDDINGS,
    "features": FEATURES,
    "atlases": ATLASES,
    "instances": INSTANCES,
    "instance_activations": INSTANCE_ACTIVATIONS,
    "instance_places": INSTANCE_PLACES,
    "thumbnails": THUMBNAILS,
    "class_thumbnails": CLASS_THUMBNAILS,
    "graphs": GRAPHS,
    "ranks": RANKS,
    "attributes": ATTRIBUTES,
}
GIVEN_TABLES: Final = ("graphs", "ranks", "attributes")
"""Either all of them are there or none."""
INSTANCE_TABLES: Final = ("instances", "instance_activations", "instance_places", "thumbnails", "class_thumbnails")
"""Either all of them are there or none."""
ROW_GROUP_ROWS: Final = {"instance_activations": 128}
"""Rows of a row group where it matters: what is read to find one row. GoogLeNet's widest layer: 256 KiB."""
UNLOADED_TABLES: Final = frozenset({"features", "atlases", *INSTANCE_TABLES})
"""What may be added to a whole run, or made anew, and is served from the folder: nothing of it is loaded."""
ADDED_TABLES: Final = frozenset({"embeddings", *UNLOADED_TABLES})
"""Tables that may be added to a whole run, or made anew: none of its numbers depends on them."""
OPTIONAL_TABLES: Final = frozenset(
    {
        "scores",
        "examples",
        "sprites",
        "class_examples",
        "class_sprites",
        "images",
        "members",
        *GIVEN_TABLES,
        *ADDED_TABLES,
    }
)
"""Tables that a run may lack, for instance one that was imported without its images."""
