"""Where there is no CUDA device, the kernels are made for Triton's interpreter, which runs them on the CPU.

Triton decides that when it is imported, when a kernel is defined, and for a few things when one first runs. The setting
holds for these tests only: what other tests of this process count, or start, never runs in the interpreter.
"""

import importlib
import importlib.util

import pytest
import torch

HAS_TRITON = importlib.util.find_spec("triton") is not None
INTERPRETED = HAS_TRITON and not torch.cuda.is_available()

if INTERPRETED:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TRITON_INTERPRET", "1")
        importlib.import_module("arete_ingest.cuda.kernels")
        importlib.import_module("arete_ingest.cuda.pointwise")


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the kernels run: a real device if there is one, else the CPU."""
    if not HAS_TRITON:
        pytest.skip("Triton is not installed")
    if INTERPRETED:
        monkeypatch.setenv("TRITON_INTERPRET", "1")
    return "cpu" if INTERPRETED else "cuda"
