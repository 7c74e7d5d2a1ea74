"""The Triton kernels against the definition: in Triton's interpreter, or on a CUDA device where there is one."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch

from arete_ingest.certificate import NotFiniteInputError, patch_norms
from arete_ingest.cuda.fused import FusedConv, Tiles, UnsupportedConvError, rounded_to_tf32
from arete_ingest.exact import Strongest
from definition import KINDS, Case, contributions, random_case, strongest

pytestmark = [  # numpy's words, in the interpreter, for what the error bounds allow for
    pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning"),
    pytest.mark.filterwarnings("ignore:invalid value encountered:RuntimeWarning"),
]

SMALL = Tiles(rows=16, outputs=16, cells=64, threads=16)
"""Small maps then take several tiles, and several programs a row of outputs."""


def fused(case: Case, device: str, tiles: Tiles | None = SMALL, **options: Any) -> FusedConv:
    return FusedConv(
        case.weight.to(device),
        stride=case.stride,
        dilation=case.dilation,
        padding=case.padding,
        groups=case.groups,
        tiles=tiles,
        **options,
    )


def found_by(
    case: Case, device: str, memory_bytes: int = 2**20, exact_values: bool = False, **options: Any
) -> Strongest:
    conv, images = fused(case, device, **options), case.images.to(device)
    found = conv.strongest(images, case.k, memory_bytes=memory_bytes, exact_values=exact_values)
    return Strongest(found.values.cpu(), found.inputs.cpu())


def assert_as_defined(case: Case, found: Strongest) -> None:
    inputs, strength = strongest(case)
    assert found.inputs.tolist() == inputs
    values = found.values.numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        exact = np.take_along_axis(strength, found.inputs.numpy(), axis=2).astype(np.float32)
        error = np.where(values == exact, 0.0, np.abs(values.astype(float) - exact))  # infinity equals infinity
        norms = np.sqrt(contributions(squared(case)))
    bound = np.take_along_axis(norms, found.inputs.numpy(), axis=2)
    assert (error <= bound * 2.0**-9 + 1e-37).all()


def squared(case: Case) -> Case:
    """A case whose contributions bound the squares of sums of 49 products."""
    return replace(case, images=case.images.double() ** 2 * 49, weight=case.weight.double() ** 2)


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_those_of_the_definition(kind: str, device: str) -> None:
    assert_as_defined(*both(random_case(1, kind, (3, 3), most=6), device))
    for seed in range(3):
        assert_as_defined(*both(random_case(seed, kind, (1, 1)), device))


@pytest.mark.parametrize(
    ("kernel", "kind"),
    [((2, 2), "sparse"), ((1, 3), "mixed"), ((5, 5), "relu"), ((7, 7), "signed"), ((7, 1), "dead"), ((2, 3), "signed")],
)
def test_kernels_of_any_shape(kernel: tuple[int, int], kind: str, device: str) -> None:
    assert_as_defined(*both(random_case(7, kind, kernel, most=5), device))


def both(case: Case, device: str) -> tuple[Case, Strongest]:
    return case, found_by(case, device)


def plain_case(seed: int, kernel: int, *, images: int = 2, outputs: int = 18, size: int = 4, **numbers: Any) -> Case:
    """A convolution with padding, more output channels than a tile takes."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.randn(images, 8, size, size, generator=generator)
    weight = torch.randn(outputs, 8, kernel, kernel, generator=generator)
    edge = kernel // 2
    return Case(pictures, weight, (1, 1), (1, 1), (edge, edge, edge, edge), 1, numbers.get("k", 3))


@pytest.mark.parametrize("kernel", [1, 3])
def test_layout_tiles_memory_and_precision_make_no_difference(kernel: int, device: str) -> None:
    case = plain_case(3, kernel)
    expected = strongest(case)[0]
    assert found_by(case, device, tiles=None).inputs.tolist() == expected
    assert found_by(case, device, memory_bytes=1).inputs.tolist() == expected
    assert found_by(case, device, precision="ieee").inputs.tolist() == expected
    case.images = case.images.to(memory_format=torch.channels_last)
    assert found_by(case, device).inputs.tolist() == expected
    wide = torch.cat([case.images, case.images], dim=3)
    case.images = wide[:, :, :, :4]  # strides that fit no layout
    assert found_by(case, device).inputs.tolist() == expected


@pytest.mark.parametrize("kernel", [1, 3])
def test_exact_values_are_correctly_rounded(kernel: int, device: str) -> None:
    case = plain_case(8, kernel, outputs=4)
    inputs, strength = strongest(case)
    exact = np.take_along_axis(strength, np.array(inputs), axis=2).astype(np.float32)
    np.testing.assert_array_equal(found_by(case, device, exact_values=kernel > 1).values.numpy(), exact)
    if kernel > 1:
        assert (found_by(case, device).values.numpy() != exact).any()


def test_maps_of_one_position_share_a_tile(device: str) -> None:
    assert_as_defined(*both(plain_case(5, 3, images=9, outputs=3, size=1), device))


def test_a_row_of_4096_candidates_and_16_ranks(device: str) -> None:
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 40, (1, 4096, 1, 1), generator=generator).float()  # many ties
    case = Case(images, torch.randn(2, 4096, 1, 1, generator=generator), (1, 1), (1, 1), (0, 0, 0, 0), 1, 16)
    case.weight[0] = 1.0
    assert_as_defined(case, found_by(case, device, tiles=None))


class Recorder:
    """Stands in for a kernel: keeps what it was called with and does nothing."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def __getitem__(self, grid: tuple[int, int, int]) -> Any:
        return lambda *arguments, **constants: self.calls.append(arguments)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("precision", ["tf32", "ieee"])
def test_no_contribution_is_off_by_more_than_its_bound(
    kind: str, precision: str, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The certificate itself: every contribution of `fused_max` against the exact one."""
    from arete_ingest.cuda import kernels

    recorder = Recorder()
    monkeypatch.setattr(kernels, "settle_windowed", recorder)
    case = random_case(11, kind, (3, 3), most=6)
    conv = fused(case, device, precision=precision)
    conv.strongest(case.images.to(device), case.k)
    strength, norms = (recorder.calls[0][place].cpu().double().numpy() for place in (2, 4))
    kernel_norms = recorder.calls[0][3].cpu().double().numpy()
    groups = (case.groups, conv.candidates)
    strength = strength.reshape(len(strength), *groups, conv.outputs)
    product = kernel_norms[None] * norms.reshape(len(norms), *groups, 1)
    exact = contributions(case).reshape(len(norms), case.groups, conv.outputs, conv.candidates).transpose(0, 1, 3, 2)
    with np.errstate(invalid="ignore"):
        error = np.abs(strength - exact)
    provable = product < 1e37
    assert (error <= product * conv.factor)[provable].all()
    assert provable.any() or kind == "huge"


@pytest.mark.parametrize(("kernel", "gap"), [(2, 2.0**-13), (3, 2.0**-14)])
def test_what_tf32_cannot_tell_apart_is_settled(
    kernel: int, gap: float, device: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Candidates whose contributions differ by a few gaps: right with the last step, and wrong without it."""
    from arete_ingest.cuda import kernels

    generator = torch.Generator().manual_seed(2)
    base = torch.rand(2, 1, kernel, kernel, generator=generator) + 0.5
    case = Case(base.repeat(1, 8, 1, 1), torch.empty(6, 8, kernel, kernel), (1, 1), (1, 1), (0, 0, 0, 0), 1, 5)
    shifts = torch.stack([torch.randperm(8, generator=generator) for _ in range(6)])
    case.weight[:] = (torch.randn(6, 1, kernel, kernel, generator=generator)).abs() + 0.1
    case.weight *= 1 + gap * shifts[:, :, None, None]
    expected = strongest(case)[0]
    assert found_by(case, device).inputs.tolist() == expected
    recorder = Recorder()
    monkeypatch.setattr(kernels, "settle_windowed", recorder)
    rounded = found_by(case, device).inputs.tolist()
    unproven = (recorder.calls[0][7].cpu() == 0).tolist()
    assert rounded != expected
    for image in range(2):
        for output in range(6):
            assert rounded[image][output] == expected[image][output] or unproven[image][output]


def test_ties_that_rounding_makes_are_settled_for_1x1(device: str) -> None:
    """Products of different numbers that are equal in float32, and products that underflow, beside true zeros."""
    generator = torch.Generator().manual_seed(4)
    steps = torch.randint(0, 4, (3, 8, 1, 1), generator=generator) * 2.0**-23
    case = Case(1 + steps, 1 + torch.randint(0, 4, (4, 8, 1, 1), generator=generator) * 2.0**-23, *PLAIN, 5)
    assert_as_defined(*both(case, device))
    case.images[:, 2:5] = torch.tensor([1e-30, 1e-31, 0.0]).view(3, 1, 1)
    case.weight[:, 2:5] = torch.tensor([1e-20, -1e-20, 1.0]).view(3, 1, 1)
    case.images[0, 5:] = 0.0
    assert_as_defined(*both(case, device))


PLAIN = ((1, 1), (1, 1), (0, 0, 0, 0), 1)


def test_norms_are_those_of_the_certificate(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from arete_ingest.cuda import kernels

    recorder = Recorder()
    monkeypatch.setattr(kernels, "settle_windowed", recorder)
    case = plain_case(6, 3)
    case.images[1, 3] = 0.0
    conv = fused(case, device)
    conv.strongest(case.images.to(device), 3)
    padded = torch.nn.functional.pad(case.images, case.padding)
    torch.testing.assert_close(recorder.calls[0][4].cpu(), patch_norms(padded, conv.window), rtol=1e-4, atol=0)
    assert recorder.calls[0][4][1, 3] == 0


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_an_input_that_is_not_finite_names_its_image(kernel: int, bad: float, device: str) -> None:
    case = plain_case(0, kernel, outputs=2, size=3)
    case.images[1, 3, 1, 1] = bad
    with pytest.raises(NotFiniteInputError, match="image 1 of the batch") as raised:
        found_by(case, device)
    assert raised.value.image == 1


def test_what_the_kernels_cannot_take_is_refused() -> None:
    settings: dict[str, Any] = {"stride": (1, 1), "dilation": (1, 1), "padding": (0, 0, 0, 0), "groups": 1}
    with pytest.raises(UnsupportedConvError, match="4097 candidates"):
        FusedConv(torch.zeros(1, 4097, 1, 1), **settings)
    with pytest.raises(UnsupportedConvError, match="13 x 13 positions"):
        FusedConv(torch.zeros(1, 6, 13, 13), **settings)
    conv = FusedConv(torch.zeros(1, 20, 3, 3), **settings)
    with pytest.raises(UnsupportedConvError, match="k is 17"):
        conv.strongest(torch.zeros(1, 20, 5, 5), 17)
    with pytest.raises(ValueError, match="smaller than the kernel"):
        conv.strongest(torch.zeros(1, 20, 2, 2), 5)


def test_rounding_to_tf32_keeps_10_bits_to_nearest() -> None:
    values = torch.randn(1000, generator=torch.Generator().manual_seed(0))
    rounded = rounded_to_tf32(values)
    mantissa, _ = torch.frexp(rounded.double())
    assert (mantissa * 2**11 == (mantissa * 2**11).round()).all()
    assert ((rounded.double() - values).abs() <= values.double().abs() * 2.0**-11).all()
