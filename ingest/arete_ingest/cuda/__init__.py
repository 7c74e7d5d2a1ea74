"""The strongest inputs on a GPU: Triton kernels that never write a contribution map, exact as `exact` is.

Importing this package needs neither Triton nor a GPU; `available` says whether a device can be used.
`docs/gpu.md` says how it works and that its speed is not measured yet.
"""

from arete_ingest.cuda.device import available, why_not
from arete_ingest.cuda.fused import FusedConv, UnsupportedConvError, why_unsupported

__all__ = ["FusedConv", "UnsupportedConvError", "available", "why_not", "why_unsupported"]
