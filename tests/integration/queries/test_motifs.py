"""Motifs of loaded runs: the database's own statements, plain sets and the answers agree."""

import asyncio
import itertools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import neo4j
import networkx as nx
import numpy as np
import pytest
from loaded_runs import Loaded, compute

from arete_core.errors import BadInput, NotFoundError
from arete_queries.delete import delete_run
from arete_queries.engine import EngineAddress
from arete_queries.load import load_run
from arete_queries.reads import MotifPattern, find_common_motifs, shared_path
from arete_queries.runner import QueryRunner
from arete_queries.significance import p_values
from run_builder import ClassSpec, LayerSpec, build_run

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

Execute = Callable[..., list[dict[str, Any]]]
Edges = frozenset[tuple[str, str]]
GROUP = ["kin/0", "kin/2", "kin/3", "kin/6"]
LESS, MORE = 0.06, 0.14
"""Masses below and above those that the classes of `kin` settle on."""
SHAPES = [pattern for pattern in MotifPattern if pattern is not MotifPattern.SUBGRAPH]


@pytest.fixture(scope="module")
def kin(
    loaded: Loaded, engine: EngineAddress, engine_driver: neo4j.Driver, tmp_path_factory: pytest.TempPathFactory
) -> Loaded:
    """A run whose eight classes have much in common: in each of five layers of 60 channels, all of them favour the same
    five, and the edges are the same but for one in ten."""
    rng = np.random.default_rng(11)
    layers = [
        LayerSpec(f"l{index}", 60, [below for below in (index - 1, index - 2) if below >= 0]) for index in range(5)
    ]
    classes = []
    for number in range(8):
        counts = {
            (layer, channel): int((40 if channel < 5 else 20) + rng.integers(0, 6))
            for layer in range(5)
            for channel in range(60)
        }
        edges = [
            (below, source, index, target, int((14 if max(source, target) < 5 else 10) + rng.integers(0, 3)))
            for index, spec in enumerate(layers)
            for below in spec.parents
            for source in range(60)
            for target in ((source + step) % 60 for step in range(8))
            if rng.random() < 0.9
        ]
        classes.append(ClassSpec(f"kin {number}", 100, counts, edges))
    folder = build_run(tmp_path_factory.mktemp("kin") / "kin", layers, classes, run_id="kin")

    async def load() -> None:
        async with await QueryRunner.connect(engine.bolt_url, engine.user, engine.password) as runner:
            await load_run(runner, folder)

    asyncio.run(load())
    data, found = compute(folder)
    return Loaded({"kin": folder}, {"kin": data}, {f"kin/{one.index}": one for one in found})


def graph_of(loaded: Loaded, class_id: str, mass: float | None = None) -> set[tuple[str, str]]:
    mass = mass or loaded.classes[class_id].extraction.mass
    assert mass is not None
    return set(loaded.edges(class_id, mass))


def motifs_in(graph: set[tuple[str, str]], pattern: MotifPattern) -> set[Edges]:
    """By networkx and plain sets."""
    made = nx.DiGraph(graph)
    pairs = [(a, b, c) for a, b in graph for c in made.successors(b)]
    match pattern:
        case MotifPattern.PATH_2 | MotifPattern.PATH_3 | MotifPattern.PATH_4:
            paths = [list(edge) for edge in graph]
            for _ in range(int(pattern.value[-1]) - 1):
                paths = [[*path, after] for path in paths for after in made.successors(path[-1])]
            return {frozenset(itertools.pairwise(path)) for path in paths}
        case MotifPattern.WEDGE_IN:
            return {
                frozenset({(a, c), (b, c)}) for c in made for a, b in itertools.combinations(made.predecessors(c), 2)
            }
        case MotifPattern.WEDGE_OUT:
            return {frozenset({(a, b), (a, c)}) for a in made for b, c in itertools.combinations(made.successors(a), 2)}
        case MotifPattern.DIAMOND:
            return {
                frozenset({(a, b), (b, d), (a, c), (c, d)})
                for (a, b, d), (e, c, f) in itertools.combinations(pairs, 2)
                if a == e and d == f and b != c
            }
        case MotifPattern.TRIANGLE:
            return {frozenset({(a, b), (b, c), (a, c)}) for a, b, c in pairs if made.has_edge(a, c)}
        case MotifPattern.SUBGRAPH:
            raise AssertionError


@pytest.mark.parametrize("pattern", SHAPES)
@pytest.mark.parametrize(("at_least", "mass"), [(2, None), (3, None), (3, LESS), (4, MORE)])
async def test_motifs_are_those_of_the_graphs(
    kin: Loaded, runner: QueryRunner, execute: Execute, pattern: MotifPattern, at_least: int, mass: float | None
) -> None:
    found = await find_common_motifs(
        runner, GROUP, pattern, min_support=at_least / len(GROUP), first=500, closed=False, mass=mass
    )
    assert found.mass == mass
    every = {f"kin/{number}": motifs_in(graph_of(kin, f"kin/{number}", mass), pattern) for number in range(8)}
    union = set().union(*(every[id_] for id_ in GROUP))
    holding = {motif: [id_ for id_ in every if motif in every[id_]] for motif in union}
    expected = {m: ids for m, ids in holding.items() if sum(id_ in GROUP for id_ in ids) >= at_least}
    assert (found.at_least, found.outside, found.found) == (at_least, 4, len(expected))
    assert len(found.motifs) == min(len(expected), 500)
    assert expected
    for motif in found.motifs:
        ids = expected[frozenset(motif.edges)]
        assert motif.classes == tuple(id_ for id_ in GROUP if id_ in ids)
        assert (motif.support, motif.support_outside) == (len(motif.classes), len(ids) - len(motif.classes))
        assert motif.lift == (pytest.approx(motif.support / motif.support_outside) if motif.support_outside else None)
        (p,) = p_values(np.array([motif.support]), np.array([motif.support_outside]), 4, 8)
        assert motif.p_value == p
        assert motif.p_value <= motif.q_value <= 1
        assert {channel.id for channel in motif.channels} == {end for edge in motif.edges for end in edge}
    assert [motif.p_value for motif in found.motifs] == sorted(motif.p_value for motif in found.motifs)
    # What an answer carries lists the same motifs in the database alone.
    assert "$" not in found.cypher
    rows = execute(found.cypher)
    assert len(rows) == found.found
    listed = {(tuple(sorted(row["channels"])), row["support"], tuple(row["classes"])) for row in rows}
    answered = {(tuple(sorted(c.id for c in m.channels)), m.support, m.classes) for m in found.motifs}
    assert answered <= listed
    assert len(found.motifs) == 500 or answered == listed


@pytest.mark.parametrize("mass", [None, LESS, MORE])
async def test_tests_are_counted_over_the_whole_run(kin: Loaded, runner: QueryRunner, mass: float | None) -> None:
    whole = set().union(*(graph_of(kin, f"kin/{number}", mass) for number in range(8)))
    for pattern in (MotifPattern.PATH_3, MotifPattern.DIAMOND, MotifPattern.TRIANGLE):
        found = await find_common_motifs(runner, GROUP, pattern, min_support=0.5, mass=mass)
        assert found.tested == len(motifs_in(whole, pattern))


@pytest.mark.parametrize("mass", [None, LESS])
async def test_a_motif_is_drawn_by_its_cypher(
    kin: Loaded, runner: QueryRunner, execute: Execute, mass: float | None
) -> None:
    for pattern in (MotifPattern.PATH_2, MotifPattern.SUBGRAPH):
        found = await find_common_motifs(runner, GROUP, pattern, min_support=0.75, first=3, closed=False, mass=mass)
        assert found.motifs
        for motif in found.motifs:
            (row,) = execute(motif.cypher)
            assert row["support"] == motif.support
            assert {node["id"] for node in row["classes"]} == set(motif.classes)
            assert len(row["edges"]) == motif.support * len(motif.edges)


async def test_closed_motifs_are_the_ones_that_are_no_part(kin: Loaded, runner: QueryRunner) -> None:
    graphs = {id_: graph_of(kin, id_) for id_ in GROUP}
    every = await find_common_motifs(runner, GROUP, MotifPattern.PATH_2, min_support=0.5, first=500, closed=False)
    closed = await find_common_motifs(runner, GROUP, MotifPattern.PATH_2, min_support=0.5, first=500)
    expected = set()
    for motif in every.motifs:
        vertices = {end for edge in motif.edges for end in edge}
        common = set.intersection(*(graphs[id_] for id_ in motif.classes))
        if not any(set(edge) & vertices for edge in common - set(motif.edges)):
            expected.add(motif.edges)
    assert {motif.edges for motif in closed.motifs} == expected
    assert len(expected) < every.found


async def test_a_group_on_paper(loaded: Loaded, runner: QueryRunner, tmp_path: Path) -> None:
    """Six classes; each channel alone carries its layer in its graph, so every graph is one path of three channels.

    Classes 0 to 2 (the group) go a/0 → b/0 → c/0, class 3 too; classes 4 and 5 go a/1 → b/1 → c/1.
    """
    layers = [LayerSpec("a", 2), LayerSpec("b", 2, [0]), LayerSpec("c", 2, [1])]
    specs = [
        ClassSpec(
            f"class {number}",
            10,
            {(layer, side): 9 for layer in range(3)},
            [(0, side, 1, side, 5), (1, side, 2, side, 5)],
        )
        for number, side in enumerate((0, 0, 0, 0, 1, 1))
    ]
    await load_run(runner, build_run(tmp_path / "paper", layers, specs, run_id="paper"))
    try:
        group = ["paper/0", "paper/1", "paper/2"]
        found = await find_common_motifs(runner, group, MotifPattern.PATH_2, min_support=1)
        (motif,) = found.motifs
        assert motif.edges == (("paper/a/0", "paper/b/0"), ("paper/b/0", "paper/c/0"))
        assert (motif.support, motif.support_outside, motif.lift) == (3, 1, pytest.approx(3.0))
        # Of the 20 groups of three out of six, 4 lie within the four holders.
        assert motif.p_value == pytest.approx(4 / 20)
        assert (found.tested, motif.q_value) == (2, pytest.approx(8 / 20))
        path = await shared_path(runner, group)
        assert path is not None
        assert path.edges == motif.edges
        assert await shared_path(runner, ["paper/0", "paper/4"]) is None
        assert (await find_common_motifs(runner, group, MotifPattern.TRIANGLE)).motifs == ()
    finally:
        await delete_run(runner, "paper")


@pytest.mark.parametrize("mass", [None, LESS, MORE])
async def test_one_path_of_all(kin: Loaded, runner: QueryRunner, mass: float | None) -> None:
    for group in (["kin/0"], ["kin/0", "kin/6"], ["kin/2", "kin/3"], [f"kin/{n}" for n in range(8)]):
        common = set.intersection(*(graph_of(kin, id_, mass) for id_ in group))
        found = await shared_path(runner, group, mass=mass)
        longest = nx.dag_longest_path_length(nx.DiGraph(common)) if common else 0
        assert (0 if found is None else len(found.edges)) == longest
        if found is not None:
            assert set(found.edges) <= common
            assert all(one[1] == other[0] for one, other in itertools.pairwise(found.edges))


async def test_a_class_without_a_graph_holds_nothing(loaded: Loaded, runner: QueryRunner) -> None:
    found = await find_common_motifs(runner, ["cut-off/0"], MotifPattern.PATH_2, min_support=1)
    assert (found.motifs, found.found, found.outside) == ((), 0, 0)
    assert await shared_path(runner, ["cut-off/0"]) is None
    # Asked for all of its rank mass it has one, of its only edge.
    path = await shared_path(runner, ["cut-off/0"], mass=1)
    assert path is not None
    assert path.edges == (("cut-off/a/0", "cut-off/b/0"),)


async def test_what_cannot_be_asked(loaded: Loaded, runner: QueryRunner) -> None:
    path = MotifPattern.PATH_2
    for call, message in (
        (find_common_motifs(runner, [], path), "classes: 1 to 5,000"),
        (find_common_motifs(runner, ["tiny/0"], path, min_support=0), "min_support: above 0"),
        (find_common_motifs(runner, ["tiny/0"], path, min_support=1.01), "min_support: above 0"),
        (find_common_motifs(runner, ["tiny/0"], path, first=0), "first"),
        (find_common_motifs(runner, ["tiny/0"], path, mass=0), "mass: above 0"),
        (shared_path(runner, ["tiny/0"], mass=1.01), "mass: above 0"),
        (find_common_motifs(runner, ["tiny/0", "other/0"], path), "of one run"),
        (shared_path(runner, []), "classes: 1 to 5,000"),
    ):
        with pytest.raises(BadInput, match=message):
            await call
    with pytest.raises(NotFoundError, match="'tiny/99'"):
        await find_common_motifs(runner, ["tiny/99"], path)
