"""`strongest_exact` against the definition, with numbers that float32 cannot tell apart."""

from typing import Any

import numpy as np
import pytest
import torch

from arete_ingest.certificate import NotFiniteInputError
from arete_ingest.exact import Strongest, strongest_exact
from definition import KINDS, Case, random_case, strongest

MEMORY = 4 * 2**20


def found_by(case: Case, memory_bytes: int = MEMORY, **options: Any) -> Strongest:
    return strongest_exact(
        case.images,
        case.weight,
        stride=case.stride,
        dilation=case.dilation,
        padding=case.padding,
        groups=case.groups,
        k=case.k,
        memory_bytes=memory_bytes,
        **options,
    )


def assert_as_defined(case: Case, found: Strongest) -> None:
    inputs, strength = strongest(case)
    assert found.inputs.tolist() == inputs
    exact = np.take_along_axis(strength, found.inputs.numpy(), axis=2)
    values = found.values.numpy()
    with np.errstate(over="ignore", invalid="ignore"):
        exact = exact.astype(np.float32)
        error = np.where(values == exact, 0.0, np.abs(values.astype(float) - exact))  # infinity equals infinity
    # A sum of up to 49 products, whose absolute values may add up to much more than the sum.
    assert (error <= 1e-4 * np.abs(strength).max(axis=2, keepdims=True) + 1e-37).all()


@pytest.mark.parametrize("kind", KINDS)
def test_inputs_are_those_of_the_definition(kind: str) -> None:
    for seed in range(40):
        case = random_case(seed, kind)
        assert_as_defined(case, found_by(case))


def test_pieces_of_any_size_find_the_same() -> None:
    for seed in range(60):
        case = random_case(seed, KINDS[seed % len(KINDS)])
        for memory_bytes in (1, 500, 5_000):
            assert_as_defined(case, found_by(case, memory_bytes))


def test_channels_last_finds_the_same() -> None:
    for seed in range(30):
        case = random_case(seed, "relu")
        plain = found_by(case)
        case.images = case.images.to(memory_format=torch.channels_last)
        assert found_by(case).inputs.tolist() == plain.inputs.tolist()


def close_case(seed: int, kernel: int, gap: float) -> Case:
    """Candidates whose contributions are almost equal: the same products in another order, one weight a bit larger."""
    generator = torch.Generator().manual_seed(seed)
    candidates, outputs, taps = 12, 8, kernel * kernel
    base = torch.rand(2, kernel, kernel, generator=generator) + 0.5
    kernels = torch.randn(outputs, kernel, kernel, generator=generator)
    images, weight = torch.empty(2, candidates, kernel, kernel), torch.empty(outputs, candidates, kernel, kernel)
    for candidate in range(candidates):
        order = torch.randperm(taps, generator=generator)
        images[:, candidate] = base.flatten(1)[:, order].view(2, kernel, kernel)
        weight[:, candidate] = kernels.flatten(1)[:, order].view(outputs, kernel, kernel)
        shift = torch.randint(-3, 4, (outputs,), generator=generator)
        weight[:, candidate, 0, 0] *= 1 + gap * shift
    return Case(images, weight, (1, 1), (1, 1), (0, 0, 0, 0), 1, 5)


@pytest.mark.parametrize("kernel", [1, 3, 7])
def test_what_float32_cannot_tell_apart_is_still_right(kernel: int) -> None:
    differing = 0
    for seed in range(20):
        case = close_case(seed, kernel, 2.0**-23)
        inputs, _ = strongest(case)
        assert found_by(case).inputs.tolist() == inputs
        products = (case.images.unsqueeze(1) * case.weight).sum(dim=(3, 4))
        float32 = torch.sort(products, dim=2, descending=True, stable=True).indices[:, :, : case.k].tolist()
        differing += float32 != inputs
    assert differing > 5  # the redo is what makes it right


def test_a_matrix_product_of_lower_precision_finds_the_same() -> None:
    """`high` and `medium` let the library round to TF32 and BF16; the certificate widens with it."""
    before = torch.get_float32_matmul_precision()
    try:
        for precision in ("high", "medium"):
            torch.set_float32_matmul_precision(precision)
            for seed in range(30):
                case = random_case(seed, KINDS[seed % len(KINDS)])
                assert found_by(case).inputs.tolist() == strongest(case)[0]
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
def test_exact_values_are_correctly_rounded(kernel: tuple[int, int]) -> None:
    for seed in range(40):
        case = random_case(seed, KINDS[seed % len(KINDS)], kernel)
        inputs, strength = strongest(case)
        with np.errstate(over="ignore"):
            exact = np.take_along_axis(strength, np.array(inputs), axis=2).astype(np.float32)
        np.testing.assert_array_equal(found_by(case, exact_values=kernel != (1, 1)).values.numpy(), exact)


@pytest.mark.parametrize("kernel", [(1, 1), (3, 3)])
@pytest.mark.parametrize("bad", [torch.nan, torch.inf, -torch.inf])
def test_an_input_that_is_not_finite_names_its_image(kernel: tuple[int, int], bad: float) -> None:
    case = Case(torch.rand(3, 6, 5, 5), torch.rand(4, 6, *kernel), (1, 1), (1, 1), (1, 1, 1, 1), 1, 2)
    case.images[2, 3, 1, 1] = bad
    with pytest.raises(NotFiniteInputError, match="image 2 of the batch") as raised:
        found_by(case)
    assert raised.value.image == 2


@pytest.mark.parametrize("mode", ["replicate", "reflect", "circular"])
@pytest.mark.parametrize("kernel", [1, 3])
def test_padding_holds_what_its_mode_says(mode: str, kernel: int) -> None:
    case = Case(torch.randn(2, 6, 5, 5), torch.randn(4, 6, kernel, kernel), (2, 2), (1, 1), (3, 2, 1, 3), 1, 3)
    found = found_by(case, padding_mode=mode)
    padded = torch.nn.functional.pad(case.images, case.padding, mode=mode)
    assert found.inputs.tolist() == strongest(Case(padded, case.weight, (2, 2), (1, 1), (0, 0, 0, 0), 1, 3))[0]


def test_wrong_arguments_are_refused() -> None:
    case = Case(torch.rand(1, 6, 5, 5), torch.rand(4, 6, 3, 3), (1, 1), (1, 1), (0, 0, 0, 0), 1, 6)
    with pytest.raises(ValueError, match="k is 6, expected 1 to 5"):
        found_by(case)
    case.k, case.images = 2, torch.rand(1, 6, 2, 5)
    with pytest.raises(ValueError, match="smaller than the kernel"):
        found_by(case)
