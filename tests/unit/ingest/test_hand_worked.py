"""The network of `docs/counting.md`: every number that is worked out there."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import hand_worked
from arete_ingest.collapse import Edges, collapse
from arete_ingest.counter import ClassCounts, Counter
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.tracing import trace_model


class Mix(nn.Module):
    """A pooled branch of one convolution beside a branch of two, concatenated."""

    def __init__(self) -> None:
        super().__init__()
        self.direct = nn.Conv2d(4, 1, 1, bias=False)
        self.reduce = nn.Conv2d(4, 3, 1, bias=False)
        self.norm = nn.BatchNorm2d(3, eps=0.0)
        self.expand = nn.Conv2d(3, 2, 2, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        pooled = torch.relu(self.direct(nn.functional.max_pool2d(x, 2)))
        inner = torch.relu(self.norm(self.reduce(x)))
        return torch.cat([pooled, torch.relu(self.expand(inner))], 1)


class HandWorked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 1, bias=False)
        self.mix = Mix()
        self.head = nn.Conv2d(3, 2, 1, bias=False)
        weights = {
            self.stem: [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, -1, 0]],
            self.mix.direct: [[1, 1, 2, 0]],
            self.mix.reduce: [[2, 0, 0, -1], [0, 1, 1, 1], [0, 1, -1, 0]],
            self.mix.expand: [
                [[[1, 0], [0, 0]], [[0, 0], [1, 0]], [[0, 1], [0, 0]]],
                [[[0, 0], [0, 1]], [[-1, 0], [0, 0]], [[1, 1], [1, 1]]],
            ],
            self.head: [[1, -1, 2], [0, 1, -1]],
        }
        with torch.no_grad():
            for conv, values in weights.items():
                conv.weight.copy_(torch.tensor(values, dtype=torch.float32).view_as(conv.weight))
            self.mix.norm.weight.copy_(torch.tensor([1.0, 1.0, -1.0]))

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.stem(x))
        return torch.relu(self.head(self.mix(x))).flatten(1)


IMAGES = torch.tensor(
    [
        [[[2, 0], [1, 0]], [[0, 1], [0, 3]], [[1, 1], [0, 0]]],
        [[[0, 0], [4, 1]], [[1, 0], [0, 1]], [[0, 2], [0, 0]]],
    ],
    dtype=torch.float32,
)


@pytest.fixture(scope="module")
def graph() -> LayerGraph:
    return trace_model(HandWorked(), 2)


@pytest.fixture(scope="module", params=[torch.float32, torch.float64], ids=["float32", "float64"])
def counts(graph: LayerGraph, request: pytest.FixtureRequest) -> ClassCounts:
    counter = Counter(graph, share=0.6, top_k=2, influence_k=2, dtype=request.param)
    result = counter.count(IMAGES, [0, 0])
    assert result.logits.tolist() == [[4, 3], [9, 3]]
    assert result.maxima[1].tolist() == [[7, 3, 0], [9, 6, 3]]
    return counter.take(0)


def rows(edges: Edges) -> list[tuple[int, ...]]:
    columns = (edges.source_layer, edges.source_channel, edges.target_layer, edges.target_channel, edges.count)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def test_layers_are_those_on_paper(graph: LayerGraph) -> None:
    assert tuple(layer.name for layer in graph.layers) == hand_worked.LAYERS
    assert tuple(layer.channels for layer in graph.layers) == hand_worked.CHANNELS
    assert [layer.parents for layer in graph.layers] == [(), (0,), (1,)]


def test_activation_counts_are_those_on_paper(counts: ClassCounts) -> None:
    assert counts.images == hand_worked.IMAGES
    assert tuple(tuple(layer.tolist()) for layer in counts.activation_counts) == hand_worked.ACTIVATION_COUNTS
    assert tuple(tuple(layer.tolist()) for layer in counts.top_k_counts) == hand_worked.TOP_K_COUNTS


def test_influence_counts_are_those_on_paper(graph: LayerGraph, counts: ClassCounts) -> None:
    for conv in graph.sums:
        if conv.name in hand_worked.CONV_COUNTS:
            found = tuple(tuple(row) for row in counts.influence_counts[conv.index].tolist())
            assert found == hand_worked.CONV_COUNTS[conv.name], conv.name


def test_edges_between_shown_layers_are_those_on_paper(graph: LayerGraph, counts: ClassCounts) -> None:
    assert rows(collapse(graph, counts)) == list(hand_worked.EDGES)


def test_ranks_on_paper_solve_the_system() -> None:
    """Solves for the ranks of the edges and A on paper; the exact fractions must come out."""
    channels = [(layer, channel) for layer, count in enumerate(hand_worked.CHANNELS) for channel in range(count)]
    index = {channel: position for position, channel in enumerate(channels)}
    weights = np.zeros((len(channels), len(channels)))
    for source_layer, source, target_layer, target, count in hand_worked.EDGES:
        a, b = index[source_layer, source], index[target_layer, target]
        weights[a, b] = weights[b, a] = count
    personalization = np.array([count / max(layer) for layer in hand_worked.ACTIVATION_COUNTS for count in layer])
    personalization /= personalization.sum()
    damping = float(hand_worked.DAMPING)
    system = np.eye(len(channels)) - damping * weights / weights.sum(axis=0)
    ranks = np.linalg.solve(system, (1 - damping) * personalization)
    assert ranks == pytest.approx([float(hand_worked.RANKS[channel]) for channel in channels], abs=1e-15)
    assert sum(hand_worked.RANKS.values()) == 1
