"""The kernels as machine code, without a device: they compile for A100 and H100, and use what they were written for."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "compiled_kernels.py"


CASES: list[dict[str, Any]] = [
    {
        "name": "3x3 on A100",
        "weight": [512, 512, 3, 3],
        "images": [2, 512, 14, 14],
        "padding": 1,
        "capability": 80,
        "only": "fused_max",
    },
    {"name": "3x3 on H100", "weight": [512, 512, 3, 3], "images": [2, 512, 14, 14], "padding": 1, "capability": 90},
    {
        "name": "1x1, channels last",
        "weight": [256, 1024, 1, 1],
        "images": [2, 1024, 14, 14],
        "padding": 0,
        "capability": 90,
        "channels_last": True,
    },
    # Triton makes a constant of every number that is 1: one image, one output channel, a map of one position.
    {"name": "3x3 of ones", "weight": [1, 6, 3, 3], "images": [1, 6, 1, 1], "padding": 1, "capability": 90},
    {"name": "1x1 of ones", "weight": [1, 6, 1, 1], "images": [1, 6, 1, 1], "padding": 0, "capability": 90},
    {
        "name": "ieee",
        "weight": [64, 64, 3, 3],
        "images": [2, 64, 14, 14],
        "padding": 1,
        "capability": 90,
        "precision": "ieee",
        "only": "fused_max",
    },
    {
        "name": "11x11",
        "weight": [128, 16, 11, 11],
        "images": [2, 16, 20, 20],
        "padding": 0,
        "capability": 80,
        "only": "fused_max",
    },
]

WINDOWED = {"fused_max", "rank_windowed", "settle_windowed"}
POINTWISE = {"visited_ranges", "closed_top", "settle_pointwise"}


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, dict[str, int]]]:
    """By case and kernel, how often an instruction occurs, and the bytes of shared memory."""
    if importlib.util.find_spec("triton") is None:
        pytest.skip("Triton is not installed")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    environment["TRITON_CACHE_DIR"] = str(tmp_path_factory.mktemp("triton"))
    done = subprocess.run(
        [sys.executable, str(SCRIPT), json.dumps(CASES)], env=environment, capture_output=True, text=True, timeout=280
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, dict[str, int]]] = {}
    for line in map(json.loads, done.stdout.splitlines()):
        found.setdefault(line.pop("case"), {})[line.pop("kernel")] = line
    return found


@pytest.mark.parametrize(("case", "tensor_cores"), [("3x3 on A100", "HMMA"), ("3x3 on H100", "HGMMA")])
def test_3x3_kernels_use_tensor_cores(case: str, tensor_cores: str, code: Any) -> None:
    assert code[case]["fused_max"][tensor_cores] > 0


def test_3x3_kernels_settle_in_float64(code: Any) -> None:
    assert set(code["3x3 on H100"]) == WINDOWED
    assert code["3x3 on H100"]["settle_windowed"]["DFMA"] > 0


@pytest.mark.parametrize("case", ["3x3 on A100", "3x3 on H100", "1x1, channels last"])
def test_registers_are_not_spilled_to_memory(case: str, code: Any) -> None:
    for kernel in code[case].values():
        assert kernel["LDL"] == kernel["STL"] == 0


def test_1x1_kernels_compile(code: Any) -> None:
    assert set(code["1x1, channels last"]) == POINTWISE


def test_sizes_of_one_compile(code: Any) -> None:
    assert set(code["3x3 of ones"]) == WINDOWED
    assert set(code["1x1 of ones"]) == POINTWISE


def test_ieee_precision_stays_out_of_the_tensor_cores(code: Any) -> None:
    kernel = code["ieee"]["fused_max"]
    assert kernel["HGMMA"] == kernel["HMMA"] == 0 < kernel["FFMA"]


def test_a_large_kernel_fits_into_the_shared_memory_of_every_device(code: Any) -> None:
    assert code["11x11"]["fused_max"]["shared"] < 99 * 1024  # the smallest limit of Ampere, Ada and Hopper
