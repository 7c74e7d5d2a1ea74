"""Compiles the GPU kernels for devices that need not be there and prints what the machine code holds, as JSON lines.

Run as a script, because the process must not have chosen Triton's interpreter. Triton's package carries the assembler
and the disassembler.
"""

import json
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import torch
import triton
from triton import knobs
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource

from arete_ingest.cuda import fused

POINTERS = {
    **dict.fromkeys(("images", "weight", "strength", "norms", "kernels", "values", "least", "highs", "lows"), "*fp32"),
    "inputs": "*i64",
    "proven": "*i32",
}
INSTRUCTIONS = ("HGMMA", "HMMA", "FFMA", "DFMA", "LDL", "STL")  # tensor cores twice, float32, float64, spills twice


def compiled(kernel: Any, arguments: tuple[Any, ...], warps: int, constants: dict[str, int], capability: int) -> dict:
    """Compiles one launch as Triton's just-in-time compiler would: ones become constants, multiples of 16 are said."""
    names = kernel.arg_names
    values = dict(zip([name for name in names if name not in constants], arguments, strict=True))
    fixed = constants | {name: 1 for name, value in values.items() if isinstance(value, int) and value == 1}
    signature, attributes = {}, {}
    for place, name in enumerate(names):
        if name in fixed:
            signature[name] = "constexpr"
            continue
        signature[name] = POINTERS.get(name, "fp32" if isinstance(values[name], float) else "i32")
        if name in POINTERS or (isinstance(values[name], int) and values[name] % 16 == 0):
            attributes[(place,)] = [["tt.divisibility", 16]]
    made = triton.compile(
        ASTSource(kernel, signature, {(names.index(name),): value for name, value in fixed.items()}, attributes),
        target=GPUTarget("cuda", capability, 32),
        options={"num_warps": warps, "enable_fp_fusion": True},
    )
    with tempfile.NamedTemporaryFile(suffix=".cubin") as file:
        Path(file.name).write_bytes(made.asm["cubin"])
        code = subprocess.run(
            [knobs.nvidia.cuobjdump.path, "-sass", file.name], capture_output=True, text=True, check=True
        ).stdout
    counts = {name: len(re.findall(rf"\b{name}\b", code)) for name in INSTRUCTIONS}
    return {"kernel": kernel.fn.__name__, "shared": made.metadata.shared, **counts}


def show(case: dict[str, Any]) -> None:
    """Lays out one convolution and compiles every kernel that it starts, or the one that it names."""

    def compile_instead(kernel: Any, grid: Any, *arguments: Any, warps: int, **constants: int) -> None:
        if case.get("only", kernel.fn.__name__) == kernel.fn.__name__:
            found = compiled(kernel, arguments, warps, constants, case["capability"])
            print(json.dumps({"case": case["name"], **found}), flush=True)

    fused.launch = compile_instead
    conv = fused.FusedConv(
        torch.zeros(case["weight"]),
        stride=(1, 1),
        dilation=(1, 1),
        padding=(case["padding"],) * 4,
        groups=1,
        precision=case.get("precision", "tf32"),
    )
    images = torch.zeros(case["images"])
    if case.get("channels_last"):
        images = images.to(memory_format=torch.channels_last)
    conv.strongest(images, 5)


if __name__ == "__main__":
    fused.require_finite_images = lambda *_: None  # nothing is computed
    for each in json.loads(sys.argv[1]):
        show(each)
