"""Edges between shown layers, against every path walked one by one in plain Python."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from arete_core.run_schema import INFLUENCES
from arete_ingest.collapse import Edges, collapse
from arete_ingest.counter import ClassCounts
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.tracing import trace_model

Path = tuple[str, ...]


class Winding(nn.Module):
    """Between `stem` and the concatenation: a direct branch, two inner ones that join, a third hop in two groups that
    also reads the stem itself, and the stem passed on unchanged."""

    def __init__(self, *, direct: bool) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1)
        self.direct = nn.Conv2d(4, 2, 1) if direct else None
        self.one = nn.Conv2d(4, 3, 1)
        self.two = nn.Conv2d(3, 2, 1)
        self.three = nn.Conv2d(3 + 2 + 4 + 1, 4, 1, groups=2)  # a group sees 5 of one, two, stem and a slice of one

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        one = torch.relu(self.one(x))
        two = torch.relu(self.two(one))
        three = self.three(torch.cat([one, two, nn.functional.max_pool2d(x, 1), one[:, 1:2]], 1))
        branches = [three, x] if self.direct is None else [self.direct(x), three, x]
        return torch.cat(branches, 1).mean((2, 3))


def random_counts(graph: LayerGraph, seed: int, images: int) -> ClassCounts:
    """Counts with many zeros and ties."""
    generator = np.random.default_rng(seed)
    shapes = [(conv.out_channels, conv.candidates) for conv in graph.sums]
    return ClassCounts(
        images=images,
        activation_counts=[np.zeros(layer.channels, np.int64) for layer in graph.layers],
        top_k_counts=[np.zeros(layer.channels, np.int64) for layer in graph.layers],
        influence_counts=[
            (generator.integers(0, images + 1, shape) * generator.integers(0, 2, shape)).astype(np.int32)
            for shape in shapes
        ],
    )


def expected_edges(graph: LayerGraph, counts: ClassCounts, *, direct: bool) -> dict[tuple[int, int], int]:
    """(target channel, source channel) -> count, by the definition, with the wiring of `Winding` written out."""
    i = {conv.name: counts.influence_counts[conv.index].tolist() for conv in graph.sums}
    images = counts.images
    three_reads = [("one", 0), ("one", 1), ("one", 2), ("two", 0), ("two", 1)]
    three_reads += [("stem", 0), ("stem", 1), ("stem", 2), ("stem", 3), ("one", 1)]

    def inner(name: str, channel: int, source: int) -> int:
        """The largest over all paths of the smallest hop, from a stem channel to a channel of `one` or `two`."""
        if name == "one":
            return i["one"][channel][source]
        return max(min(i["two"][channel][m], inner("one", m, source)) for m in range(3))

    edges: dict[tuple[int, int], int] = {}
    direct_edges, direct_channels, target = 0, 0, 0
    if direct:
        for row in i["direct"]:
            direct_channels += 1
            for source, count in enumerate(row):
                if count:
                    edges[target, source] = count
                    direct_edges += 1
            target += 1
    paths: dict[int, dict[int, int]] = {}
    last_hops, last_channels = 0, 0
    for output in range(4):
        reads = three_reads[output // 2 * 5 : output // 2 * 5 + 5]
        straight = dict.fromkeys(range(4), 0)
        through = dict.fromkeys(range(4), 0)
        for count, (name, channel) in zip(i["three"][output], reads, strict=True):
            if name == "stem":
                straight[channel] = max(straight[channel], count)
            else:
                last_hops += count > 0
                for source in range(4):
                    through[source] = max(through[source], min(count, inner(name, channel, source)))
        last_channels += 1
        paths[target] = through
        if any(name == "stem" for name, _ in reads):
            direct_channels += 1
        for source, count in straight.items():
            if count:
                edges[target, source] = count
                direct_edges += 1
        target += 1
    n = max(1, direct_edges // direct_channels) if direct_channels else max(1, last_hops // last_channels)
    for channel, through in paths.items():
        strongest = sorted((source for source in through if through[source]), key=lambda s: (-through[s], s))[:n]
        for source in strongest:
            edges[channel, source] = max(edges.get((channel, source), 0), through[source])
    for source in range(4):
        edges[target + source, source] = images
    return edges


def found_edges(edges: Edges, target_layer: int) -> dict[tuple[int, int], int]:
    chosen = edges.target_layer == target_layer
    assert (edges.source_layer[chosen] == target_layer - 1).all()
    columns = (edges.target_channel[chosen], edges.source_channel[chosen], edges.count[chosen])
    return {(target, source): count for target, source, count in zip(*(c.tolist() for c in columns), strict=True)}


GRAPHS = {direct: trace_model(Winding(direct=direct), 4) for direct in (True, False)}


@given(seed=st.integers(0, 2**32 - 1), images=st.integers(1, 9), direct=st.booleans())
@settings(max_examples=200, deadline=None)
def test_edges_are_those_of_every_path_walked_one_by_one(seed: int, images: int, direct: bool) -> None:
    graph = GRAPHS[direct]
    counts = random_counts(graph, seed, images)
    assert found_edges(collapse(graph, counts), 1) == expected_edges(graph, counts, direct=direct)


class OneBranch(nn.Module):
    """No convolution joins the layers directly."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 1)
        self.a, self.b = nn.Conv2d(6, 2, 1), nn.Conv2d(6, 2, 1)
        self.c, self.d = nn.Conv2d(2, 1, 1), nn.Conv2d(2, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        return torch.cat([self.c(self.a(x)), self.d(self.b(x))], 1).mean((2, 3))


def test_without_direct_edges_the_average_of_the_last_hop_is_kept() -> None:
    graph = trace_model(OneBranch(), 4)
    counts = random_counts(graph, 0, 9)
    by_name = {conv.name: counts.influence_counts[conv.index] for conv in graph.sums}
    by_name["a"][:] = [[9, 8, 7, 6, 5, 4], [0, 0, 0, 9, 0, 0]]
    by_name["b"][:] = [[1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]]
    by_name["c"][:] = [[7, 5]]
    by_name["d"][:] = [[3, 0]]
    # c: min(7, a0) = 7 7 7 6 5 4, min(5, a1) = 0 0 0 5 0 0; d: 1 1 1 1 1 1. n = (2 + 1) edges // 2 channels = 1.
    assert found_edges(collapse(graph, counts), 1) == {(0, 0): 7, (1, 0): 1}
    by_name["d"][:] = [[3, 3]]  # n = 4 // 2 = 2
    assert found_edges(collapse(graph, counts), 1) == {(0, 0): 7, (0, 1): 7, (1, 0): 1, (1, 1): 1}


def test_direct_edges_are_never_cut() -> None:
    model = nn.Sequential(nn.Conv2d(3, 7, 1), nn.ReLU(), nn.Conv2d(7, 2, 1), nn.Flatten())
    graph = trace_model(model, 4)
    counts = random_counts(graph, 0, 5)
    counts.influence_counts[1][:] = [[1, 2, 3, 4, 5, 5, 5], [0, 0, 0, 0, 0, 0, 1]]
    assert len(collapse(graph, counts).count) == 8


def test_rows_are_sorted_and_have_the_columns_of_the_run_folder() -> None:
    graph = GRAPHS[True]
    edges = collapse(graph, random_counts(graph, 5, 9))
    table = edges.to_table(3)
    assert table.schema == INFLUENCES
    keys = ["target_layer", "target_channel", "source_layer", "source_channel"]
    assert table.sort_by([(key, "ascending") for key in keys]).equals(table)
    assert set(table.column("class").to_pylist()) == {3}
    assert min(table.column("count").to_pylist()) > 0


@pytest.mark.parametrize("images", [0, 4])
def test_classes_without_counts_have_no_edges_but_identities(images: int) -> None:
    graph = GRAPHS[True]
    counts = random_counts(graph, 0, 1)
    for conv in counts.influence_counts:
        conv[:] = 0
    counts.images = images
    edges = collapse(graph, counts)
    assert edges.count.tolist() == [images] * (4 if images else 0)
    assert edges.to_table(0).schema == INFLUENCES
