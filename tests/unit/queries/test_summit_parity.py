"""What can be checked of ranking and extraction on Summit's 1,000 published attribution graphs.

The files hold the kept channels with their ranks and the kept edges, not the other channels or the influence counts, so
ranks cannot be recomputed. But all ranks of a class sum to 1, and that is enough to tell which m they were cut at.
"""

import itertools
import json
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arete_core.extract import extract
from arete_core.layout import Layout

pytestmark = pytest.mark.shared_data

LAYERS = ("mixed3a", "mixed3b", "mixed4a", "mixed4b", "mixed4c", "mixed4d", "mixed4e", "mixed5a", "mixed5b")
MASS = 0.075
Graph = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def published(request: pytest.FixtureRequest) -> list[Graph]:
    archive = request.getfixturevalue("shared_data") / "summit-attribution-graphs.tar.xz"
    with tarfile.open(archive) as files:
        members = [member for member in files.getmembers() if Path(member.name).name.startswith("ag-")]
        return [json.load(file) for member in members if (file := files.extractfile(member))]


def ranks_of(graph: Graph, layer: str) -> np.ndarray:
    return np.sort([channel["pagerank"] for channel in graph[layer]])[::-1]


def test_all_are_there(published: list[Graph]) -> None:
    assert len(published) == 1000
    assert all(graph.keys() == set(LAYERS) for graph in published)


def test_every_graph_is_the_smallest_set_that_reaches_the_first_mass(published: list[Graph]) -> None:
    """In each layer: kept ranks without the last < m * layer's ranks <= kept ranks. Summed over layers, whose ranks sum
    to 1, this encloses m. If channels were kept only while the share stays below m, the second half would not hold."""
    for graph in published:
        kept = sum(ranks_of(graph, layer).sum() for layer in LAYERS)
        last = sum(ranks_of(graph, layer)[-1] for layer in LAYERS)
        assert kept - last < MASS <= kept


def test_every_graph_connects_every_layer(published: list[Graph]) -> None:
    for graph in published:
        connected = set()
        for below, layer in itertools.pairwise(LAYERS):
            kept_below = {channel["channel"] for channel in graph[below]}
            for channel in graph[layer]:
                assert {edge["prev_channel"] for edge in channel["prev_channels"]} <= kept_below
                if channel["prev_channels"]:
                    connected |= {below, layer}
        assert connected == set(LAYERS)


def test_extraction_gives_the_published_graphs(published: list[Graph]) -> None:
    """Each layer is filled up with channels of lower rank, to a sum that the published cut allows; the edges are the
    published ones and one from each filler to each kept channel above, which must not come through."""
    for graph in published[::10]:
        sizes, ranks, places = [], [], {}
        for layer in LAYERS:
            kept = sorted(graph[layer], key=lambda channel: -channel["pagerank"])
            own = [channel["pagerank"] for channel in kept]
            rest = (sum(own) - own[-1] / 2) / MASS - sum(own)
            fillers = int(np.ceil(rest / (own[-1] * 0.9)))
            first = sum(sizes)
            places |= {(layer, channel["channel"]): first + fillers + place for place, channel in enumerate(kept)}
            # Fillers first, so that nothing is kept for its index.
            ranks += [rest / fillers] * fillers + own
            sizes.append(fillers + len(kept))
        layout = Layout.make(sizes, [[layer - 1] if layer else [] for layer in range(len(LAYERS))])
        published_edges = {
            (places[below, edge["prev_channel"]], places[layer, channel["channel"]])
            for below, layer in itertools.pairwise(LAYERS)
            for channel in graph[layer]
            for edge in channel["prev_channels"]
        }
        fillers_up = {
            (int(layout.offsets[index - 1]), places[layer, channel["channel"]])
            for index, layer in enumerate(LAYERS)
            if index
            for channel in graph[layer]
        }
        edges = np.array(sorted(published_edges | fillers_up))
        found = extract(layout, np.array(ranks), edges[:, 0], edges[:, 1])
        assert found.mass == MASS
        assert set(np.flatnonzero(found.kept)) == set(places.values())
        assert {(int(s), int(t)) for s, t in edges[found.kept_edges]} == published_edges
