"""All of Summit's published graphs, imported, and some of them loaded: each is what its file says, vertex by vertex."""

import itertools
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from arete_core.errors import SettingError
from arete_core.run_folder import RunFolder
from arete_ingest.summit import import_summit
from arete_queries.engine import EngineAddress
from arete_queries.exclusion import exclude
from arete_queries.load import load_run
from arete_queries.reads import class_graph, get_class
from arete_queries.runner import QueryRunner

pytestmark = [pytest.mark.shared_data]

LAYERS = ("mixed3a", "mixed3b", "mixed4a", "mixed4b", "mixed4c", "mixed4d", "mixed4e", "mixed5a", "mixed5b")
LOADED = (0, 270, 999)
Graph = dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def published(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The archive, unpacked."""
    folder = tmp_path_factory.mktemp("summit")
    with tarfile.open(request.getfixturevalue("shared_data") / "summit-attribution-graphs.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return folder


def graph_of(published: Path, class_: int) -> Graph:
    return json.loads((published / "data" / "ag" / f"ag-{class_}.json").read_text())


def vertices_of(graph: Graph) -> dict[tuple[str, int], tuple[int, float]]:
    return {(layer, one["channel"]): (one["count"], one["pagerank"]) for layer in LAYERS for one in graph[layer]}


def edges_of(graph: Graph) -> dict[tuple[str, int, int], int]:
    return {
        (layer, edge["prev_channel"], one["channel"]): edge["inf"]
        for layer in LAYERS
        for one in graph[layer]
        for edge in one["prev_channels"]
    }


def test_every_graph_of_the_run_is_that_of_its_file(published: Path, tmp_path: Path) -> None:
    report = import_summit(published, tmp_path / "run")
    assert (report.classes, report.channels, report.edges) == (1000, 57_923, 202_479)
    folder = RunFolder.open(tmp_path / "run")
    assert folder.table("classes").column("name").to_pylist()[:2] == ["tench", "goldfish"]
    assert set(folder.table("graphs").column("mass").to_pylist()) == {0.075}
    found = {name: folder.table(name) for name in ("activations", "ranks", "attributes", "influences")}
    tables = {
        name: {column: table.column(column).to_numpy() for column in table.column_names}
        for name, table in found.items()
    }
    starts = {name: np.searchsorted(table["class"], np.arange(1001)) for name, table in tables.items()}

    def rows(name: str, class_: int, *columns: str) -> list[tuple[Any, ...]]:
        part = slice(starts[name][class_], starts[name][class_ + 1])
        return list(zip(*(tables[name][column][part].tolist() for column in columns), strict=True))

    ends = ("target_layer", "source_channel", "target_channel")
    for class_ in range(1000):
        graph = graph_of(published, class_)
        counts = {
            (LAYERS[layer], channel): n
            for layer, channel, n in rows("activations", class_, "layer", "channel", "count")
        }
        ranks = {(LAYERS[layer], channel): n for layer, channel, n in rows("ranks", class_, "layer", "channel", "rank")}
        assert {key: (counts[key], ranks[key]) for key in counts} == vertices_of(graph)
        entries = rows("ranks", class_, "entry")
        assert max(entries)[0] < 0.075
        influences = {(LAYERS[layer], a, b): n for layer, a, b, n in rows("influences", class_, *ends, "count")}
        kept = {(LAYERS[layer], a, b) for layer, a, b in rows("attributes", class_, *ends)}
        assert {edge: influences[edge] for edge in kept} == edges_of(graph)
        others = {
            (layer, int(edge["prev_channel"]), one["channel"]): edge["inf"]
            for layer in LAYERS
            for one in graph[layer]
            for edge in one["attr_channels"]
        }
        assert influences == others | edges_of(graph)


@pytest.mark.integration
@pytest.mark.anyio
async def test_the_database_answers_with_the_published_graphs(
    published: Path, tmp_path: Path, clean_database: EngineAddress, runner: QueryRunner, execute: Callable[..., Any]
) -> None:
    source = tmp_path / "some" / "ag"
    source.mkdir(parents=True)
    for place, class_ in enumerate(LOADED):
        (source / f"ag-{place}.json").write_bytes((published / "data" / "ag" / f"ag-{class_}.json").read_bytes())
    import_summit(tmp_path / "some", tmp_path / "run")
    report = await load_run(runner, RunFolder.open(tmp_path / "run"))
    assert report.without_graph == ()
    for place, class_ in enumerate(LOADED):
        graph = graph_of(published, class_)
        id_ = f"summit/{place}"
        assert (await get_class(runner, id_)).mass == 0.075
        found = await class_graph(runner, id_)
        edges = {(edge.source, edge.target): edge.count for edge in found.edges}
        names = {above: below for below, above in itertools.pairwise(LAYERS)}
        assert edges == {
            (f"summit/{names[layer]}/{below}", f"summit/{layer}/{above}"): count
            for (layer, below, above), count in edges_of(graph).items()
        }
        assert {one.channel.id for one in found.vertices} == {f"summit/{layer}/{n}" for layer, n in vertices_of(graph)}
        stored = execute(
            "MATCH (:Class {id: $id})-[r:ACTIVATES {kept: true}]->(c) "
            "RETURN c.layer AS layer, c.index AS n, r.count AS count, r.rank AS rank",
            id=id_,
        )
        assert {(row["layer"], row["n"]): (row["count"], row["rank"]) for row in stored} == vertices_of(graph)
    with pytest.raises(SettingError, match="came with its ranks and graphs"):
        await exclude(runner, "summit", ["mixed4a/0"])
