"""The network that `docs/counting.md` works out on paper: its counts, edges and ranks.

Plain numbers, so that whoever reads, loads or ranks a run can check against them without a model. Layers are 0 `stem`
(4 channels), 1 `mix` (3 channels) and 2 `head` (2 channels); two images; one class.
"""

from fractions import Fraction
from typing import Final

LAYERS: Final = ("stem", "mix", "head")
CHANNELS: Final = (4, 3, 2)
IMAGES: Final = 2

ACTIVATION_COUNTS: Final = ((2, 1, 0, 1), (2, 1, 0), (2, 1))
"""A by share, with 60% instead of 3% because the layers are so small."""
TOP_K_COUNTS: Final = ((2, 1, 0, 1), (2, 2, 0), (2, 2))
"""A by the 2 largest channels."""

CONV_COUNTS: Final = {
    "mix.direct": ((2, 1, 1, 0),),
    "mix.reduce": ((2, 2, 0, 0), (0, 1, 1, 2), (2, 0, 2, 0)),
    "mix.expand": ((1, 2, 1), (2, 0, 2)),
    "head": ((2, 0, 2), (2, 2, 0)),
}
"""I of each convolution, 2 strongest inputs: one row an output channel."""

EDGES: Final = (
    # source layer, source channel, target layer, target channel, count
    (0, 0, 1, 0, 2), (0, 1, 1, 0, 1), (0, 2, 1, 0, 1),
    (0, 0, 1, 1, 1), (0, 1, 1, 1, 1), (0, 3, 1, 1, 2),
    (0, 0, 1, 2, 2), (0, 1, 1, 2, 2), (0, 2, 1, 2, 2),
    (1, 0, 2, 0, 2), (1, 2, 2, 0, 2),
    (1, 0, 2, 1, 2), (1, 1, 2, 1, 2),
)  # fmt: skip
"""Edges between shown layers, in the order of `influences.parquet`."""

DAMPING: Final = Fraction(17, 20)

RANKS: Final = {
    (0, 0): Fraction(144086941099, 1173881438320),
    (0, 1): Fraction(32141441536, 366837949475),
    (0, 2): Fraction(61625845563, 1173881438320),
    (0, 3): Fraction(20264160353, 366837949475),
    (1, 0): Fraction(2779541954, 14673517979),
    (1, 1): Fraction(20839893333, 146735179790),
    (1, 2): Fraction(2235278762, 14673517979),
    (2, 0): Fraction(37646373538, 366837949475),
    (2, 1): Fraction(280243815869, 2934703595800),
}
"""Personalized PageRank of (layer, channel): edges taken as undirected and weighted by count, personalization = A
divided by the layer's largest A, damping 0.85. The exact solution; the ranks sum to 1."""
