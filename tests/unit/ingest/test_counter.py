"""Counting batches: slots, errors in the middle, devices' settings, memory."""

import gc
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from arete_core.errors import ModelError, SettingError
from arete_ingest.counter import ClassCounts, Counter
from arete_ingest.execution import NotFiniteError
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.tracing import trace_model


class Small(nn.Module):
    """Every kind of convolution that counting treats in its own way, with ReLU in place or not."""

    def __init__(self, *, inplace: bool = False) -> None:
        super().__init__()
        torch.manual_seed(7)
        self.stem = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.point = nn.Conv2d(8, 6, 1)
        self.reduce = nn.Conv2d(8, 12, 1, bias=False)
        self.norm = nn.BatchNorm2d(12)
        self.norm.weight.data = torch.randn(12)
        self.depthwise = nn.Conv2d(12, 12, 3, padding=1, groups=12)
        self.grouped = nn.Conv2d(12, 6, 3, padding=2, dilation=2, groups=2)
        self.head = nn.Conv2d(12, 5, 3)
        self.relu = nn.ReLU(inplace=inplace)

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.stem(x))
        left = self.relu(self.point(x))
        right = self.relu(self.grouped(self.relu(self.depthwise(self.relu(self.norm(self.reduce(x)))))))
        return self.relu(self.head(torch.cat([left, right], 1))).mean((2, 3))


GRAPH = trace_model(Small(), 16)
POOL = torch.randn(6, 3, 16, 16, generator=torch.Generator().manual_seed(11))


def counted(images: Tensor, **options: Any) -> ClassCounts:
    counter = Counter(GRAPH, share=0.5, top_k=3, **options)
    if len(images):
        counter.count(images, [0] * len(images))
    return counter.take(0)


def assert_equal(left: ClassCounts, right: ClassCounts) -> None:
    assert left.images == right.images
    for one, other in (
        (left.activation_counts, right.activation_counts),
        (left.top_k_counts, right.top_k_counts),
        (left.influence_counts, right.influence_counts),
    ):
        for a, b in zip(one, other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_counts_add_up() -> None:
    """Each output channel counts k inputs an image, each image at least one channel a layer and at most top_k."""
    counts = counted(POOL)
    for conv in GRAPH.sums:
        assert (counts.influence_counts[conv.index].sum(axis=1) == len(POOL) * min(5, conv.candidates)).all()
    for layer in GRAPH.layers:
        assert counts.activation_counts[layer.index].sum() >= len(POOL)
        assert counts.top_k_counts[layer.index].sum() == 3 * len(POOL)


def test_convolutions_with_few_candidates_count_every_input_in_every_image() -> None:
    counts = counted(POOL)
    few = {conv.name: conv for conv in GRAPH.sums if conv.candidates <= 5}
    assert set(few) == {"stem", "depthwise"}
    for conv in few.values():
        assert counts.influence_counts[conv.index].shape == (conv.out_channels, conv.candidates)
        assert (counts.influence_counts[conv.index] == len(POOL)).all()


@given(split=st.integers(0, 6), order=st.permutations(range(6)))
@settings(max_examples=20, deadline=None)
def test_adding_images_adds_counts_and_their_order_changes_nothing(split: int, order: list[int]) -> None:
    whole = counted(POOL)
    shuffled = POOL[order]
    first, second = counted(shuffled[:split]), counted(shuffled[split:])
    first.add(second)
    assert_equal(first, whole)


def test_slots_are_counted_apart_and_emptied_when_taken() -> None:
    counter = Counter(GRAPH, share=0.5, top_k=3)
    counter.count(POOL[:4], torch.tensor([0, 2, 2, 0]))
    counter.count(POOL[4:], [2, 0])
    assert_equal(counter.take(0), counted(POOL[[0, 3, 5]]))
    assert_equal(counter.take(2), counted(POOL[[1, 2, 4]]))
    assert_equal(counter.take(1), counted(POOL[:0]))
    assert_equal(counter.take(2), counted(POOL[:0]))
    counter.count(POOL[:1], [2])
    assert_equal(counter.take(2), counted(POOL[:1]))


def test_in_place_operations_do_not_change_what_is_counted() -> None:
    counter = Counter(trace_model(Small(inplace=True), 16), share=0.5, top_k=3)
    result = counter.count(POOL, [0] * 6)
    assert_equal(counter.take(0), counted(POOL))
    torch.testing.assert_close(result.logits, GRAPH.module(POOL))


@pytest.mark.parametrize("memory_mb", [0.001, 1.0, 64.0])
def test_memory_bound_does_not_change_counts(memory_mb: float) -> None:
    assert_equal(counted(POOL, memory_mb=memory_mb), counted(POOL))


def test_result_holds_maxima_and_where_they_are() -> None:
    result = Counter(GRAPH).count(POOL, [0] * 6)
    maps = torch.relu(GRAPH.module.get_submodule("stem")(POOL)).flatten(2)
    torch.testing.assert_close(result.maxima[0], maps.amax(2))
    found = torch.gather(maps, 2, result.positions[0].unsqueeze(2)).squeeze(2)
    torch.testing.assert_close(found, result.maxima[0])
    assert [tuple(part.shape) for part in result.maxima] == [(6, 8), (6, 12), (6, 5)]


def test_double_precision_takes_images_of_any_type_and_leaves_the_graph_alone() -> None:
    counter = Counter(GRAPH, dtype=torch.float64)
    assert counter.count(POOL, [0] * 6).logits.dtype == torch.float64
    assert next(GRAPH.module.parameters()).dtype == torch.float32


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_values_that_are_not_finite_name_the_place_and_the_image_and_count_nothing(bad: float) -> None:
    counter = Counter(GRAPH, share=0.5, top_k=3)
    images = POOL.clone()
    images[3, 1, 4, 4] = bad
    with pytest.raises(
        NotFiniteError, match="the input of stem holds NaN or infinity for image 3 of the batch"
    ) as caught:
        counter.count(images, [0] * 6)
    assert (caught.value.where, caught.value.image) == ("stem", 3)
    counter.count(POOL, [0] * 6)
    assert_equal(counter.take(0), counted(POOL))


@pytest.mark.parametrize(
    ("module", "place"),
    [("stem", "the activation map of stem"), ("reduce", "the input of depthwise"), ("head", "head")],
)
def test_damaged_weights_name_the_first_place_that_shows_it(module: str, place: str) -> None:
    model = Small()
    model.get_submodule(module).weight.data.view(-1)[0] = float("nan")  # type: ignore[union-attr]
    counter = Counter(trace_model(model, 16))
    with pytest.raises(ModelError, match=f"{place} holds NaN or infinity for image 0"):
        counter.count(POOL, [0] * 6)
    assert counter.take(0).images == 0


def test_large_finite_values_are_not_taken_for_infinity() -> None:
    """Their sum overflows float32, they themselves do not."""
    model = nn.Sequential(nn.Conv2d(3, 8, 1), nn.ReLU(), nn.Flatten())
    counter = Counter(trace_model(model, 4))
    images = torch.full((2, 3, 4, 4), 3e37)
    assert torch.isinf(images.sum())
    counter.count(images, [0, 0])
    assert counter.take(0).images == 2


def test_nothing_stays_behind_after_an_error() -> None:
    precision = torch.backends.cuda.matmul.fp32_precision
    counter = Counter(GRAPH)
    with pytest.raises(NotFiniteError):
        counter.count(torch.full((1, 3, 16, 16), float("nan")), [0])
    assert torch.backends.cuda.matmul.fp32_precision == precision
    assert torch.is_grad_enabled()
    for module in GRAPH.module.modules():
        assert not module._forward_hooks
        assert not module._forward_pre_hooks


def test_batches_leave_no_tensors_behind() -> None:
    counter = Counter(GRAPH)

    def alive() -> int:
        gc.collect()
        return sum(issubclass(type(thing), Tensor) for thing in gc.get_objects())

    counter.count(POOL, [0] * 6)
    before = alive()
    for _ in range(3):
        counter.count(POOL, [0] * 6)
    assert alive() == before


@pytest.mark.parametrize(
    "wrong", [{"share": 0.0}, {"share": 1.5}, {"top_k": 0}, {"influence_k": 0}, {"memory_mb": 0.0}, {"memory_mb": -1.0}]
)
def test_settings_out_of_range_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(SettingError, match=f"{next(iter(wrong))} is {next(iter(wrong.values()))}"):
        Counter(GRAPH, **wrong)


def test_images_and_slots_must_match() -> None:
    counter = Counter(GRAPH)
    with pytest.raises(SettingError, match="6 images, 2 slots"):
        counter.count(POOL, [0, 1])
    with pytest.raises(SettingError, match="the batch is empty"):
        counter.count(POOL[:0], [])
    with pytest.raises(SettingError, match="slot -2"):
        counter.count(POOL[:1], [-2])


def test_slots_may_depend_on_the_output_and_leave_images_out() -> None:
    counter = Counter(GRAPH, share=0.5, top_k=3)
    logits = counter.count(POOL, [-1] * 6).logits
    assert counter.take(0).images == 0
    by_first = logits[:, 0] > logits[:, 0].median()
    result = counter.count(POOL, lambda output: torch.where(output[:, 0] > output[:, 0].median(), 1, -1))
    torch.testing.assert_close(result.logits, logits)
    assert len(result.maxima[0]) == 6
    assert_equal(counter.take(1), counted(POOL[by_first]))
    assert counter.take(0).images == 0


def test_slots_may_depend_on_the_output() -> None:
    counter, split = Counter(GRAPH, share=0.5, top_k=3), Counter(GRAPH, share=0.5, top_k=3)
    seen: list[Tensor] = []

    def slots(logits: Tensor) -> list[int]:
        seen.append(logits)
        return [0, -1, 1, -1, 0, 1]

    result = counter.count(POOL, slots)
    split.count(POOL, [0, 2, 1, 2, 0, 1])
    assert torch.equal(seen[0], result.logits)
    assert len(result.maxima[0]) == 6, "what is not counted is still looked at"
    for slot, images in ((0, 2), (1, 2), (2, 0)):
        mine, theirs = counter.take(slot), split.take(slot)
        assert mine.images == images
        if images:
            for one, other in zip(
                mine.influence_counts + mine.activation_counts,
                theirs.influence_counts + theirs.activation_counts,
                strict=True,
            ):
                np.testing.assert_array_equal(one, other)
        else:
            assert not any(counts.any() for counts in mine.influence_counts)
    counter.count(POOL, lambda logits: [-1] * 6)
    assert counter.take(0).images == 0
    with pytest.raises(SettingError, match="slot -2: -1 or more"):
        counter.count(POOL[:1], lambda logits: [-2])
    with pytest.raises(SettingError, match="6 images, 1 slots"):
        counter.count(POOL, lambda logits: [0])


def test_model_that_gives_no_vector_per_image_is_counted_without_scores() -> None:
    class Scalar(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> Tensor:
            return self.conv(x).mean()

    counter = Counter(trace_model(Scalar(), 16))
    assert counter.count(POOL, [0] * 6).logits.shape == (6, 0)
    assert counter.take(0).images == 6


def test_first_of_several_outputs_is_taken() -> None:
    class Pair(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.conv = nn.Conv2d(3, 4, 3)

        def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
            x = self.conv(x).mean((2, 3))
            return x, x * 2

    assert Counter(trace_model(Pair(), 16)).count(POOL, [0] * 6).logits.shape == (6, 4)


def test_counters_share_one_model_and_leave_it_alone() -> None:
    """Lanes make their counters at the same time: a second change of the weights' layout would pull them away."""
    graph = trace_model(Small(), 16)
    first = Counter(graph)
    wide = [weight for weight in graph.module.parameters() if weight.ndim == 4 and weight.shape[2] > 1]
    assert wide
    assert all(weight.is_contiguous(memory_format=torch.channels_last) for weight in wide)
    places = [weight.data_ptr() for weight in graph.module.parameters()]
    second = Counter(graph)
    assert second._module is first._module
    assert [weight.data_ptr() for weight in graph.module.parameters()] == places
    exact = Counter(graph, dtype=torch.float64)
    assert exact._module is not first._module
    assert [weight.data_ptr() for weight in graph.module.parameters()] == places


def test_counters_in_threads_count_as_one_does() -> None:
    model = torchvision.models.googlenet(num_classes=5, aux_logits=False, init_weights=False).eval()
    images = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(1))
    expected = Counter(trace_model(model, 64))
    expected.count(images, [0, 0])
    counts = expected.take(0)
    for _ in range(5):
        graph = trace_model(model, 64)
        together = threading.Barrier(4)

        def count(graph: LayerGraph = graph, together: threading.Barrier = together) -> ClassCounts:
            together.wait()
            counter = Counter(graph)
            counter.count(images, [0, 0])
            return counter.take(0)

        with ThreadPoolExecutor(4) as pool:
            for found in [future.result() for future in [pool.submit(count) for _ in range(4)]]:
                assert_equal(found, counts)
