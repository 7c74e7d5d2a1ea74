"""Counting kernels for the processor, compiled from C++: the strongest inputs of convolutions, and activation counts.

They find what `influences` and `activations` define, for float32 maps, in a fraction of the time that torch needs.
`available()` says whether they can be used here; where not, torch counts, and `why_not()` is what to tell the user.
"""

from arete_ingest.native.activations import ActivationCounts, activation_counts
from arete_ingest.native.convolutions import MOST_STRONGEST, NativeConv
from arete_ingest.native.images import NotFinite
from arete_ingest.native.library import available, instruction_set, why_not

__all__ = [
    "MOST_STRONGEST",
    "ActivationCounts",
    "NativeConv",
    "NotFinite",
    "activation_counts",
    "available",
    "instruction_set",
    "why_not",
]
