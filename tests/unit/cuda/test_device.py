"""Where the kernels can run, and that nothing else of Arête needs Triton."""

import subprocess
import sys

import pytest
import torch

from arete_ingest.cuda import available, why_not

WITHOUT_TRITON = """
import sys
sys.modules["triton"] = None  # as if it were not installed
import torch
from arete_ingest.cuda import FusedConv, available, why_not
assert not available("cuda") and why_not() == "Triton is not installed", why_not()
import arete_ingest.exact
"""


def test_a_machine_without_triton_imports_the_package() -> None:
    subprocess.run([sys.executable, "-c", WITHOUT_TRITON], check=True)


def test_importing_the_package_leaves_triton_out() -> None:
    code = "import sys, arete_ingest.cuda, arete_ingest.exact; assert 'triton' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_the_cpu_is_no_device_for_the_kernels_outside_the_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton", reason="Triton is not installed")
    monkeypatch.delenv("TRITON_INTERPRET", raising=False)
    assert not available("cpu")
    assert why_not("cpu") == "the kernels are for CUDA devices, not for cpu"
    monkeypatch.setenv("TRITON_INTERPRET", "1")
    assert available("cpu")
    assert not available("cuda")


def test_a_machine_without_a_device_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("triton", reason="Triton is not installed")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert why_not() == "torch finds no CUDA device"
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: (7, 5))
    assert why_not() == "the device has compute capability 7.5, 8.0 is the least with TF32"


def test_kernels_are_not_wrapped_by_a_type_checker() -> None:
    """Triton reads a kernel's source and globals; the tests' import hook must leave them alone."""
    pytest.importorskip("triton", reason="Triton is not installed")
    from arete_ingest.cuda import kernels, pointwise

    for kernel in (kernels.fused_max, kernels.rank_windowed, kernels.settle_windowed, pointwise.closed_top):
        assert not hasattr(kernel.fn, "__wrapped__")
        assert kernel.fn.__globals__ is vars(sys.modules[kernel.fn.__module__])
