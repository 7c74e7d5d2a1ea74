"""The compiled kernels against the definition in float64: every contribution written out, sorted, ties lower first."""

import threading
import time

import pytest
import torch

from arete_ingest import native
from arete_ingest.native import MOST_STRONGEST, NativeConv, NotFinite
from arete_ingest.native.library import instruction_sets
from conv_cases import Case, contributions, random_case

pytestmark = pytest.mark.skipif(not native.available(), reason=native.why_not())

WIDTHS = instruction_sets()
CASES = 320


def expected(case: Case) -> tuple[torch.Tensor, torch.Tensor]:
    values, order = torch.sort(contributions(case), dim=2, descending=True, stable=True)
    return values[:, :, : case.k], order[:, :, : case.k]


def plain_case(kernel: int, *, outputs: int = 37, inputs: int = 24, size: int = 9, k: int = 5, seed: int = 0) -> Case:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randn(3, inputs, size, size, generator=generator).relu()
    weight = torch.randn(outputs, inputs, kernel, kernel, generator=generator)
    pad = kernel // 2
    return Case("relu", images, weight, (1, 1), (1, 1), (pad, pad, pad, pad), 1, k)


@pytest.mark.parametrize("chunk", range(8))
def test_strongest_are_those_of_the_definition_at_every_width(chunk: int) -> None:
    """Values within float32 rounding of a sum of up to 49 products as large as the largest."""
    for seed in range(chunk, CASES, 8):
        case = random_case(seed)
        values, inputs = expected(case)
        for width in WIDTHS:
            found = case.conv(width).strongest(case.images, case.k)
            assert torch.equal(found.inputs.long(), inputs), (seed, case.kind, width)
            largest = min(float(contributions(case).abs().max()), 3.4e38)
            torch.testing.assert_close(
                found.values.double().clamp(-3.4e38, 3.4e38),
                values.clamp(-3.4e38, 3.4e38),
                rtol=1e-4,
                atol=1e-5 * largest + 1e-38,
                msg=f"case {seed}, {case.kind}, {width}",
            )
            assert (found.values[:, :, 1:] <= found.values[:, :, :-1]).all()
            assert not (torch.signbit(found.values) & (found.values == 0)).any()


def test_widths_that_fuse_multiplication_and_addition_give_the_same_bits() -> None:
    """The baseline on x86 has no fused operation: its values may differ in their last bits, its inputs may not."""
    fused = [width for width in WIDTHS if width != "baseline"]
    for seed in range(0, CASES, 3):
        case = random_case(seed)
        first, *others = (case.conv(width).strongest(case.images, case.k) for width in fused)
        for other in others:
            assert torch.equal(first.inputs, other.inputs)
            assert torch.equal(first.values, other.values), (seed, case.kind)


@pytest.mark.parametrize("width", WIDTHS)
def test_memory_layout_changes_nothing(width: str) -> None:
    for seed in range(0, CASES, 4):
        case = random_case(seed)
        conv = case.conv(width)
        plain = conv.strongest(case.images, case.k)
        wide = torch.randn(2, case.images.shape[1], case.images.shape[2] + 3, 2 * case.images.shape[3])
        wide[:, :, 1:-2, ::2] = case.images
        for images in (
            case.images.contiguous(memory_format=torch.channels_last),
            case.images.permute(1, 0, 2, 3).contiguous().permute(1, 0, 2, 3),
            wide[:, :, 1:-2, ::2],
        ):
            found = conv.strongest(images, case.k)
            assert torch.equal(found.inputs, plain.inputs)
            assert torch.equal(found.values, plain.values)


@pytest.mark.parametrize("kernel", [1, 3])
def test_every_k_finds_the_beginning_of_the_longest(kernel: int) -> None:
    case = plain_case(kernel)
    conv = case.conv()
    longest = conv.strongest(case.images, MOST_STRONGEST)
    for k in range(1, MOST_STRONGEST):
        found = conv.strongest(case.images, k)
        assert torch.equal(found.inputs, longest.inputs[:, :, :k])
        # Where double decides an order, it gives the values too; that may take one k and not another.
        torch.testing.assert_close(found.values, longest.values[:, :, :k], rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("kernel", [1, 3])
@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
@pytest.mark.parametrize("channel", [0, 21, 23])  # in a whole vector of channels and behind the last one
def test_the_first_image_that_is_not_finite_is_named(
    kernel: int, value: float, layout: torch.memory_format, channel: int
) -> None:
    case = plain_case(kernel)
    images = case.images.contiguous(memory_format=layout)
    images[1, channel, 4, 8] = value
    images[2, 0, 0, 0] = value
    for width in WIDTHS:
        with pytest.raises(NotFinite) as raised:
            case.conv(width).strongest(images, 5)
        assert raised.value.image == 1


def test_not_finite_is_seen_where_a_stride_does_not_look() -> None:
    case = plain_case(1)._replace(stride=(2, 2))
    case.images[2, 3, 1, 1] = float("nan")
    with pytest.raises(NotFinite) as raised:
        case.conv().strongest(case.images, 5)
    assert raised.value.image == 2


def test_threads_at_once_find_what_one_finds() -> None:
    cases = [plain_case(kernel, size=size, seed=size) for kernel in (1, 3, 5) for size in (7, 20)]
    convs = [case.conv() for case in cases]
    alone = [conv.strongest(case.images, 5) for conv, case in zip(convs, cases, strict=True)]
    wrong: list[int] = []
    until = time.monotonic() + 1.0

    def work(start: int) -> None:
        turn = start
        while time.monotonic() < until:
            at = turn % len(cases)
            found = convs[at].strongest(cases[at].images, 5)
            if not (torch.equal(found.inputs, alone[at].inputs) and torch.equal(found.values, alone[at].values)):
                wrong.append(at)
            turn += 1

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("kernel", [1, 3])
def test_flushing_denormals_changes_nothing(kernel: int) -> None:
    case = plain_case(kernel)._replace(images=plain_case(kernel).images * 1e-41)
    conv = case.conv()
    before = conv.strongest(case.images, 5)
    assert torch.equal(before.inputs.long(), expected(case)[1])
    if not torch.set_flush_denormal(True):
        pytest.fail("this processor cannot flush denormals; the test proves nothing")
    try:
        assert torch.equal(conv.strongest(case.images, 5).inputs, before.inputs)
    finally:
        torch.set_flush_denormal(False)


def test_products_that_round_to_one_float_are_ordered_by_what_they_were() -> None:
    """(1 + 2**-23)**2 is 1 + 2**-22 + 2**-46; as float the last part is lost, and with it the order."""
    step = 2.0**-23
    images = torch.tensor([1.0, 1 + step, 0.5]).view(1, 3, 1, 1)
    weight = torch.tensor([1 + 2 * step, 1 + step, 1.0]).view(1, 3, 1, 1)
    found = NativeConv(weight, stride=(1, 1), dilation=(1, 1), padding=(0, 0, 0, 0), groups=1).strongest(images, 2)
    assert found.values[0, 0, 0] == found.values[0, 0, 1]
    assert found.inputs[0, 0].tolist() == [1, 0]


@pytest.mark.parametrize("width", WIDTHS)
def test_sums_closer_than_rounding_are_ordered_by_what_they_are(width: str) -> None:
    """Kernels that differ in the last bits of a few taps: floats cannot tell their sums apart, double can."""
    generator = torch.Generator().manual_seed(5)
    plane = torch.rand(1, 1, 5, 5, generator=generator).expand(2, 30, 5, 5)
    kernel = torch.randn(8, 1, 3, 3, generator=generator).expand(8, 30, 3, 3)
    steps = torch.randint(-2, 3, kernel.shape, generator=generator) * 2.0**-24
    case = Case("near ties", plane, kernel * (1 + steps), (1, 1), (1, 1), (0, 0, 0, 0), 1, 7)
    found = case.conv(width).strongest(plane, 7)
    values, inputs = expected(case)
    assert len(values.float().unique()) < len(values.unique())  # as floats some are equal
    assert torch.equal(found.inputs.long(), inputs)


def test_settings_that_make_no_sense_are_refused() -> None:
    weight = torch.randn(4, 6, 3, 3)
    conv = NativeConv(weight, stride=(1, 1), dilation=(1, 1), padding=(0, 0, 0, 0), groups=2)
    for images, k, what in (
        (torch.randn(1, 12, 5, 5), 6, "k is 6, 1 to 5"),
        (torch.randn(1, 12, 5, 5), 0, "k is 0, 1 to 5"),
        (torch.randn(1, 6, 5, 5), 5, "6 input channels, 12 were expected"),
        (torch.randn(1, 12, 2, 5), 5, "smaller than the kernel"),
    ):
        with pytest.raises(ValueError, match=what):
            conv.strongest(images, k)
    with pytest.raises(ValueError, match="describe no convolution"):
        NativeConv(weight, stride=(1, 1), dilation=(1, 1), padding=(0, 0, 0, 0), groups=3)
    with pytest.raises(ValueError, match="weights hold NaN"):
        NativeConv(weight / 0, stride=(1, 1), dilation=(1, 1), padding=(0, 0, 0, 0), groups=1)
