"""Every Cypher file runs on a real database and returns what its header declares."""

from typing import Any

import neo4j
import pytest
from loaded_runs import Loaded
from neo4j import AsyncGraphDatabase

from arete_queries.engine import EngineAddress
from arete_queries.statements import Access, Statement, statements

pytestmark = [pytest.mark.integration, pytest.mark.anyio]

ALREADY_THERE = "00NA0"
"""What the server notes for an index that exists; every other note means that a statement should be changed."""
A, B = "tiny/0", "tiny/3"
EDGES = {"run": "tiny", "sources": [0, 1], "targets": [13, 14], "counts": [5, 6]}
GROUP = ["tiny/0", "tiny/1", "tiny/2"]
KINDS = ["Class", "Channel", "Layer", "Group"]
SIDES = {"a": GROUP, "b": ["tiny/5", "tiny/6"], "atLeastA": 2, "atLeastB": 1}
CASES: dict[str, dict[str, Any]] = {
    "await_indexes": {"seconds": 10},
    "channel": {"channel": "tiny/block1/3"},
    "channel_classes": {"channel": "tiny/block1/3", "order": "rank", "skip": 1, "first": 3},
    "channel_over_classes": {"channel": "tiny/block1/3", "profile": True, "links": 3},
    "layer_folder": {"layer": "tiny/block1"},
    "layers_of_runs": {"runs": ["tiny", "other"]},
    "channels_by_id": {"channels": ["tiny/block1/3", "tiny/block9/3"]},
    "class_activations": {"layer": "tiny/block1", "classes": GROUP},
    "search_parts": {"run": "tiny", "text": "BEAR", "channel": "tiny/block1/3", "kinds": KINDS, "first": 9},
    "search_words": {"run": "tiny", "query": "baer~1", "kinds": KINDS, "first": 9},
    "channel_use": {"run": "tiny", "layer": "tiny/block1", "order": "special", "first": 3},
    "class_counts": {"class": A, "minShare": 0.1, "scores": "margin"},
    "communities": {"graph": "communities", "gamma": 1.0},
    "communities_project": {"graph": "test", "run": "tiny", "atLeast": 1},
    "create_group": {"id": "tiny/new", "run": "tiny", "name": "new", "classes": [A, B], "replace": False},
    "delete_group": {"group": "tiny/bears"},
    "delete_scores": {"class": A},
    "group": {"group": "tiny/bears"},
    "group_members": {"groups": ["tiny/bears", "tiny/none"]},
    "groups": {"run": "tiny"},
    "label_channel": {"channel": "tiny/block1/3", "label": "fur"},
    "update_group": {"group": "tiny/bears", "add": ["tiny/5"], "remove": ["tiny/0"]},
    "layer_neighbors": {"class": A, "layers": ["block1", "block2"], "first": 3},
    "layer_similarity": {"class": A, "layer": "tiny/block1"},
    "less_contributing": {"class": A, "mass": None, "minShare": 0.1, "first": 3},
    **{f"motif_{shape}": {"classes": GROUP, "atLeast": 1, "mass": None} for shape in
       ("path_2", "path_3", "path_4", "wedge_in", "wedge_out", "diamond", "triangle")},
    "motif_edges": {"classes": GROUP, "atLeast": 1},
    "motif_edges_at_mass": {"classes": GROUP, "atLeast": 1, "mass": 0.4},
    "motif_pairs": {"run": "tiny"},
    "motif_pairs_at_mass": {"run": "tiny", "mass": 0.4},
    "motif_subgraph": {"classes": GROUP, "sources": ["tiny/block1/3"], "targets": ["tiny/block2/5"],
                       "mass": None},
    "overlap_drawing": {**SIDES, "mass": None, "minShare": 0.0, "memberships": ["shared"]},
    "overlap_graphs": {**SIDES, "minShare": 0.0, "memberships": ["only_a", "shared"]},
    "overlap_graphs_at_mass": {**SIDES, "mass": 0.4, "minShare": 0.0, "memberships": ["only_a", "shared"]},
    "overlap_layers": {**SIDES, "mass": None},
    "score_names": {"class": A},
    "write_scores": {"class": A, "run": "tiny", "name": "other", "positions": [0, 1], "values": [0.5, -1.0]},
    "channel_in_class": {"class": A, "channel": "tiny/block1/3", "first": 3},
    "channels": {"layer": "tiny/block1", "from": 2, "first": 3},
    "class": {"class": A},
    "class_drawing": {"class": A, "mass": 0.3, "minShare": 0.01},
    "class_graph": {"class": A, "minShare": 0.01},
    "class_graph_at_mass": {"class": A, "mass": 0.3, "minShare": 0.01},
    "class_names": {"run": "tiny"},
    "class_states": {"run": "tiny"},
    "classes": {"run": "tiny", "search": "BEAR", "kinds": ["label"], "order": "name", "skip": 1, "first": 2},
    "classes_by_similarity": {
        "run": "tiny", "search": "BEAR", "kinds": None, "class": A, "layer": "tiny/block1", "skip": 0, "first": 2,
    },
    "compare_drawing": {"a": A, "b": B, "massA": 0.3, "massB": 0.4, "minShare": 0.0, "memberships": ["shared"]},
    "compare_graphs": {"a": A, "b": B, "minShare": 0.0, "memberships": ["only_a", "shared", "only_b"]},
    "compare_graphs_at_mass": {
        "a": A, "b": B, "massA": 0.3, "massB": 0.4, "minShare": 0.0, "memberships": ["only_b", "shared"],
    },
    "compare_layers": {"a": A, "b": B, "massA": 0.3, "massB": 0.4},
    "complete_class": {"class": 0, "mass": None, "edgeCount": 3, "droppedShare": 0.0},
    "count_class": {"class": 0},
    "count_run": {"run": "tiny"},
    "counts_of_class": {"class": 0},
    "create_channels": {"layer": "tiny/block1", "channels": [{"id": "tiny/block1/99", "index": 99}]},
    "create_classes": {"run": "tiny", "classes": [{"id": "tiny/99", "key": 9999, "index": 99}]},
    "create_layers": {"run": "tiny", "layers": [{"id": "tiny/more", "index": 99}]},
    "create_run": {"run": "new", "properties": {"name": "New"}},
    "delete_activations": {"class": 0, "limit": 5},
    "delete_attributes": {"class": 0, "limit": 5},
    "delete_channels": {"run": "tiny", "limit": 5},
    "delete_class": {"class": 0},
    "delete_influences": {"class": 0, "limit": 5},
    "delete_run": {"run": "other"},
    "edges_of_class": {"class": 0},
    "excluded_channels": {"run": "tiny"},
    "classes_by_id": {"classes": [A, B, "tiny/99"]},
    "delete_images": {"run": "tiny", "limit": 5},
    "example_place": {"channel": "tiny/block1/3", "class": A},
    "embedding": {"layer": "tiny/block1"},
    "foreign_nodes": {"known": ["Run", "Layer", "Channel"]},
    "gds_drop": {"graph": "nothing"},
    "gds_pagerank": {"class": A, "graph": "projected", "damping": 0.85, "iterations": 20, "tolerance": 1e-7},
    "gds_project": {
        "class": A, "graph": "test", "minShare": 0.0, "seeds": None, "weights": None, "scores": None, "excluded": [],
    },
    "held_runs": {},
    "layers": {"run": "tiny"},
    "load_state": {"run": "tiny"},
    "lock_load": {"id": "tiny"},
    "mark_excluded": {"run": "tiny", "channels": ["tiny/block1/3"], "excluded": True, "reason": "border"},
    "next_class_key": {},
    "ping": {},
    "run_folders": {},
    "runs": {"run": None},
    "set_class_state": {"class": 0, "state": "loading"},
    "set_run_folder": {"run": "tiny", "folder": "/elsewhere"},
    "set_run_manifest": {"run": "tiny", "manifestSha256": "0" * 64},
    "set_run_state": {"run": "tiny", "state": "deleting"},
    "stale_classes": {"run": "tiny"},
    "unlock_load": {"id": "tiny"},
    "unmark_stale": {"class": 0},
    "write_activations": {
        "class": 0, "run": "tiny", "positions": [0], "counts": [1], "ranks": [0.5], "entries": [0.0], "kept": [True],
    },
    "write_attributes": {"class": 0, **EDGES},
    "write_examples": {
        "run": "tiny", "channels": ["tiny/block1/3"], "ranks": [0], "activations": [1.5],
        "images": [{"id": "tiny/image:7", "number": 7}],
    },
    "write_embedding": {"layer": "tiny/block1", "classes": [A, B], "x": [0.5, -0.5], "y": [0.0, 1.0]},
    "write_influences": {"class": 0, **EDGES},
}  # fmt: skip


NEEDS = {"stale_classes": "mark_excluded"}
"""Statements that find nothing unless another one has run."""


def test_every_file_has_a_case() -> None:
    with_params = {name for name, statement in statements().items() if statement.access is not Access.SCHEMA}
    assert with_params == CASES.keys()


@pytest.mark.parametrize("name", sorted(statements()))
async def test_a_file_runs_and_returns_what_it_declares(loaded: Loaded, engine: EngineAddress, name: str) -> None:
    statement = statements()[name]
    params = CASES.get(name, {})
    for key, type_ in statement.params.items():
        assert type_.accepts(params[key], deep=True), key
    async with (
        AsyncGraphDatabase.driver(engine.bolt_url, auth=(engine.user, engine.password)) as driver,
        driver.session(
            database="neo4j",
            # A read statement that writes is refused by the server.
            default_access_mode=neo4j.READ_ACCESS
            if statement.access is Access.READ and name not in NEEDS
            else neo4j.WRITE_ACCESS,
        ) as session,
        await session.begin_transaction() as transaction,
    ):
        if before := NEEDS.get(name):
            await transaction.run(statements()[before].text, CASES[before])
        if name == "gds_pagerank":  # needs a projection, which outlives the transaction
            await transaction.run(statements()["gds_project"].text, CASES["gds_project"] | {"graph": params["graph"]})
        if name == "communities":
            projected = CASES["communities_project"] | {"graph": params["graph"]}
            await transaction.run(statements()["communities_project"].text, projected)
        result = await transaction.run(statement.text, params)
        assert list(result.keys()) == list(statement.columns)
        rows = [record async for record in result]
        summary = await result.consume()
        for graph in {params.get("graph")} - {None}:
            await transaction.run(statements()["gds_drop"].text, {"graph": graph})
        await transaction.rollback()
    check_types(statement, rows)
    notes = [one for one in summary.gql_status_objects if one.is_notification and one.gql_status != ALREADY_THERE]
    assert [one.status_description for one in notes] == []


def check_types(statement: Statement, rows: list[neo4j.Record]) -> None:
    assert bool(rows) == bool(statement.columns)
    for row in rows:
        for column, type_ in statement.columns.items():
            assert type_.accepts(row[column], deep=True), f"{column}: {type_} was declared, found {row[column]!r}"


async def test_no_file_forms_text_or_uses_an_id_of_the_database(loaded: Loaded) -> None:
    for statement in statements().values():
        assert "elementId" not in statement.text
        assert " id(" not in statement.text
