"""Whether this machine can run the Triton kernels."""

import importlib.util

import torch

LEAST_CAPABILITY = (8, 0)
"""Ampere: the first whose tensor cores know TF32."""


def why_not(device: torch.device | str = "cuda") -> str:
    """Says why a device cannot run the kernels.

    Args:
        device: Where the tensors are. The CPU counts where Triton's interpreter was chosen (`TRITON_INTERPRET=1`):
            slow, for tests.

    Returns:
        A sentence's end, such as "Triton is not installed"; empty where the device can run them.
    """
    if importlib.util.find_spec("triton") is None:
        return "Triton is not installed"
    device = torch.device(device)
    if interpreted():
        return "" if device.type == "cpu" else "Triton's interpreter was chosen (TRITON_INTERPRET), which takes the CPU"
    if device.type != "cuda" or torch.version.hip is not None:
        return f"the kernels are for CUDA devices, not for {device.type if torch.version.hip is None else 'ROCm'}"
    if not torch.cuda.is_available():
        return "torch finds no CUDA device"
    capability = torch.cuda.get_device_capability(device)
    if capability < LEAST_CAPABILITY:
        return f"the device has compute capability {capability[0]}.{capability[1]}, 8.0 is the least with TF32"
    return ""


def available(device: torch.device | str) -> bool:
    """Tells whether a device can run the kernels.

    Args:
        device: Where the tensors are.

    Returns:
        True where `FusedConv` works on it.
    """
    return not why_not(device)


def interpreted() -> bool:
    """Tells whether Triton runs its kernels in its interpreter, on the CPU."""
    from triton import knobs

    return bool(knobs.runtime.interpret)
