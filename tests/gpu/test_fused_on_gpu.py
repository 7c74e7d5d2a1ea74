"""The strongest inputs on a real device: the kernels and plain torch there, against the definition and the CPU.

`tests/unit/cuda` runs on the device too where there is one.
"""

import pytest
import torch

from arete_ingest.cuda import FusedConv, available, why_not
from arete_ingest.exact import strongest_exact
from definition import KINDS, random_case, strongest

pytestmark = pytest.mark.gpu

KERNELS = [(1, 1), (2, 2), (3, 3), (5, 5), (7, 7), (1, 7), (7, 1)]

LAYERS = [
    # in, out, kernel, stride, groups, map: of GoogLeNet, ResNet-50, ResNeXt and VGG
    (192, 64, 1, 1, 1, 28),
    (64, 192, 3, 1, 1, 56),
    (832, 384, 1, 1, 1, 7),
    (160, 320, 3, 1, 1, 14),
    (1024, 2048, 1, 2, 1, 14),
    (512, 512, 3, 2, 1, 14),
    (256, 256, 3, 1, 32, 28),
    (64, 64, 5, 1, 1, 9),
]


@pytest.fixture(autouse=True)
def _kernels_run_here() -> None:
    if not available("cuda"):
        pytest.skip(f"the kernels cannot run: {why_not()}")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["tf32", "ieee"])
def test_inputs_are_those_of_the_definition(kind: str, precision: str) -> None:
    for seed, kernel in enumerate(KERNELS):
        case = random_case(seed, kind, kernel)
        conv = FusedConv(
            case.weight.cuda(),
            stride=case.stride,
            dilation=case.dilation,
            padding=case.padding,
            groups=case.groups,
            precision="tf32" if precision == "tf32" else "ieee",
        )
        assert conv.strongest(case.images.cuda(), case.k).inputs.tolist() == strongest(case)[0]


@pytest.mark.parametrize("layer", LAYERS)
@pytest.mark.parametrize("channels_last", [False, True])
def test_layers_of_real_networks_give_what_the_cpu_gives(
    layer: tuple[int, int, int, int, int, int], channels_last: bool
) -> None:
    inputs, outputs, kernel, stride, groups, size = layer
    generator = torch.Generator().manual_seed(inputs + outputs)
    images = torch.randn(4, inputs, size, size, generator=generator).relu()
    weight = torch.randn(outputs, inputs // groups, kernel, kernel, generator=generator) / (inputs * kernel) ** 0.5
    edge = kernel // 2
    settings = {"stride": (stride, stride), "dilation": (1, 1), "padding": (edge, edge, edge, edge), "groups": groups}
    on_cpu = strongest_exact(images, weight, **settings, k=5, memory_bytes=4 * 2**20)
    if channels_last:
        images = images.to(memory_format=torch.channels_last)
    there = images.cuda(), weight.cuda()
    by_torch = strongest_exact(*there, **settings, k=5, memory_bytes=512 * 2**20)
    assert torch.equal(by_torch.inputs.cpu(), on_cpu.inputs)
    fused = FusedConv(there[1], **settings).strongest(there[0], 5)
    assert torch.equal(fused.inputs.cpu(), on_cpu.inputs)
