"""Which fast kernel finds the strongest inputs on a device, if there is one."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from arete_ingest.certificate import Window


def fast_kernel(device: torch.device) -> Callable[[Tensor, Window, int], Any] | None:  # noqa: ARG001 - for now
    """Returns what makes a kernel for a convolution's weights, window and groups; None where plain torch is used."""
    return None
