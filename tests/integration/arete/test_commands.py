"""The shell's commands against a real database: the same answers as the reads, errors with hints, exit codes."""

import json
import os
import subprocess
import sys
from pathlib import Path

import neo4j
import pytest

from arete_queries.engine import EngineAddress
from run_builder import random_run

pytestmark = pytest.mark.integration


class Shell:
    """Runs `arete` on the test run's database."""

    def __init__(self, engine: EngineAddress, home: Path) -> None:
        clean = {key: value for key, value in os.environ.items() if not key.startswith("ARETE_")}
        self.environment = clean | {
            "ARETE_HOME": str(home),
            "ARETE_NEO4J_URL": engine.bolt_url,
            "ARETE_NEO4J_PASSWORD": engine.password,
            "XDG_CONFIG_HOME": str(home),
            "COLUMNS": "160",
        }
        self.home = home

    def __call__(self, *arguments: str, expect: int = 0) -> subprocess.CompletedProcess[str]:
        result = subprocess.run(
            [sys.executable, "-m", "arete", *arguments],
            env=self.environment,
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert result.returncode == expect, result.stderr
        assert "Traceback" not in result.stderr
        return result

    def json(self, *arguments: str) -> object:
        return json.loads(self(*arguments, "--json").stdout)


@pytest.fixture
def shell(clean_database: EngineAddress, tmp_path: Path) -> Shell:
    return Shell(clean_database, tmp_path)


@pytest.fixture
def loaded(engine: EngineAddress, engine_driver: neo4j.Driver, tmp_path_factory: pytest.TempPathFactory) -> Shell:
    """A database with one run, loaded anew only where an earlier test took it away."""
    home = tmp_path_factory.getbasetemp() / "loaded"
    shell = Shell(engine, home)
    if not home.exists():
        random_run(home / "run", run_id="tiny", class_count=3, scores=True)
    with engine_driver.session() as session:
        found = session.run("MATCH (run:Run) RETURN collect(run.id) AS ids").single(strict=True)["ids"]
    if found != ["tiny"]:
        shell("load", "run")
    return shell


def test_load_says_what_it_did_and_does_nothing_twice(shell: Shell, tmp_path: Path) -> None:
    random_run(tmp_path / "run", run_id="tiny", class_count=3, scores=True)
    assert "tiny: 3 classes, " in shell("load", "run").stdout
    assert "already loaded" in shell("load", "run").stdout


def test_runs_and_classes_are_listed(loaded: Shell) -> None:
    runs = loaded.json("runs")
    assert isinstance(runs, list)
    assert [run["id"] for run in runs] == ["tiny"]
    assert "folder" not in runs[0]
    classes = loaded.json("runs", "tiny")
    assert isinstance(classes, list)
    assert [entry["id"] for entry in classes] == ["tiny/0", "tiny/1", "tiny/2"]
    table = loaded("runs", "tiny").stdout
    assert all(entry["name"] in table for entry in classes)


def test_a_class_is_found_by_id_and_by_name_and_gives_the_same_graph(loaded: Shell) -> None:
    classes = loaded.json("runs", "tiny")
    assert isinstance(classes, list)
    by_id = loaded.json("graph", "tiny/1")
    by_name = loaded.json("graph", classes[1]["name"].upper(), "--run", "tiny")
    assert by_id == by_name
    assert isinstance(by_id, dict)
    assert by_id["class"]["id"] == "tiny/1"
    ids = {vertex["channel"]["id"] for vertex in by_id["vertices"]}
    assert ids
    assert all(edge["source"] in ids and edge["target"] in ids for edge in by_id["edges"])
    assert "rank" in loaded("graph", "tiny/1").stdout


def test_compare_parts_make_the_union(loaded: Shell) -> None:
    parts = {
        operation: loaded.json("compare", "tiny/0", "tiny/2", "--mass", "0.8", "--operation", operation)
        for operation in ("union", "intersection", "a-minus-b", "b_minus_a")
    }
    ids = {
        operation: {vertex["channel"]["id"] for vertex in answer["vertices"]}  # type: ignore[index]
        for operation, answer in parts.items()
    }
    assert ids["union"] == ids["intersection"] | ids["a-minus-b"] | ids["b_minus_a"]
    assert not ids["intersection"] & ids["a-minus-b"]
    assert not ids["a-minus-b"] & ids["b_minus_a"]
    assert ids["intersection"]
    assert "Jaccard" in loaded("compare", "tiny/0", "tiny/2").stdout


def test_compare_takes_groups_and_any_number_of_classes(loaded: Shell) -> None:
    assert "tiny/two: 2 classes" in loaded("groups", "create", "two", "tiny/0", "tiny/1").stdout
    try:
        most = loaded.json("compare", "two", "tiny/2", "--at-least", "2", "--mass", "0.8")
        alone = [loaded.json("graph", f"tiny/{number}", "--mass", "0.8") for number in range(3)]
        sets = [{vertex["channel"]["id"] for vertex in graph["vertices"]} for graph in alone]  # type: ignore[index]
        assert isinstance(most, dict)
        found = {vertex["channel"]["id"] for vertex in most["vertices"]}
        assert found == (sets[0] & sets[1]) | (sets[0] & sets[2]) | (sets[1] & sets[2])
        less = loaded.json("compare", "tiny/2", "two", "--set", "difference", "--mass", "0.8")
        assert isinstance(less, dict)
        assert {vertex["channel"]["id"] for vertex in less["vertices"]} == sets[2] - sets[0] - sets[1]
        table = loaded("compare", "two", "tiny/2").stdout
        assert "of 3 classes" in table
        assert "they part" in table
        assert "two classes or more" in loaded("compare", "tiny/2", expect=2).stderr
        assert "tiny/two" in loaded("groups", "list").stdout
        assert "tiny/1" in loaded("groups", "show", "two").stdout
    finally:
        assert "tiny/two: deleted" in loaded("groups", "delete", "two").stdout


def test_rank_with_seeds_exclusions_and_scores(loaded: Shell) -> None:
    plain = loaded.json("rank", "tiny/0", "--first", "3")
    seeded = loaded.json("rank", "tiny/0", "--seeds", "block1/2=3", "--seeds", "block0/1", "--exclude", "block1/5")
    scored = loaded.json("rank", "tiny/0", "--scores", "margin", "--mode", "summit")
    assert isinstance(plain, dict)
    assert isinstance(seeded, dict)
    assert isinstance(scored, dict)
    assert len(plain["channels"]) == 3
    assert seeded["channels"][0]["channel"] == "tiny/block1/2"
    assert "tiny/block1/5" not in {one["channel"] for one in seeded["channels"]}
    assert scored["mode"] == "summit"
    assert scored["channels"] != plain["channels"]
    assert "gds.pageRank.stream" in loaded("rank", "tiny/0", "--cypher").stdout


def test_motifs_neighbors_channels_and_what_is_left_out(loaded: Shell) -> None:
    motifs = loaded.json("motifs", "tiny/0", "tiny/1", "tiny/2", "--min-support", "0.3", "--every", "--first", "4")
    assert isinstance(motifs, dict)
    assert len(motifs["motifs"]) == 4
    at_mass = loaded.json("motifs", "tiny/0", "tiny/1", "tiny/2", "--min-support", "0.3", "--every", "--mass", "0.5")
    assert isinstance(at_mass, dict)
    assert (at_mass["mass"], motifs["mass"]) == (0.5, None)
    assert at_mass["found"] > motifs["found"]
    path = loaded.json("motifs", "tiny/0", "--shared-path")
    assert isinstance(path, dict)
    assert path["support"] == 1
    near = loaded.json("neighbors", "tiny/0", "--first", "2", "--layer", "block1")
    assert isinstance(near, dict)
    assert [len(layer["neighbors"]) for layer in near["layers"]] == [2]
    assert "effective classes" in loaded("channels", "--order", "special").stdout
    assert "communities of tiny" in loaded("channels", "--communities", "--at-least", "1").stdout
    rest = loaded.json("graph", "tiny/0", "--less-contributing")
    graph = loaded.json("graph", "tiny/0")
    assert isinstance(rest, dict)
    assert isinstance(graph, dict)
    kept = {vertex["channel"]["id"] for vertex in graph["vertices"]}
    assert rest["vertices"]
    assert not kept & {vertex["channel"]["id"] for vertex in rest["vertices"]}


def test_cypher_is_printed_alone(loaded: Shell) -> None:
    text = loaded("graph", "tiny/0", "--cypher").stdout
    assert "MATCH" in text
    assert "$" not in text


@pytest.mark.parametrize(
    ("arguments", "message", "hint"),
    [
        (("graph", "okapi"), "no class 'okapi'", "arete runs tiny"),
        (("graph", "tiny/99"), "no class 'tiny/99'", ""),
        (("graph", "class", "--run", "tinny"), "no run 'tinny'", "tiny"),
        (("runs", "nowhere"), "no run 'nowhere'", "arete load RUN"),
        (("compare", "tiny/0", "okapi"), "no class 'okapi'", ""),
        (("delete", "nowhere", "--yes"), "no run 'nowhere'", ""),
        (("graph", "tiny/0", "--mass", "1.5"), "mass", ""),
        (("compare", "tiny/0", "tiny/1", "--set", "both"), "--set 'both'", ""),
        (("rank", "tiny/0", "--scores", "margins"), "no score 'margins'", "margin"),
        (("motifs", "tiny/0", "--pattern", "star"), "--pattern 'star'", ""),
        (("rank", "tiny/0", "--seeds", "block1/2=much"), "LAYER/CHANNEL=WEIGHT", ""),
        (("groups", "create", "12", "tiny/0"), "cannot be a group's", ""),
    ],
)
def test_what_is_unknown_or_out_of_range_is_named(
    loaded: Shell, arguments: tuple[str, ...], message: str, hint: str
) -> None:
    result = loaded(*arguments, expect=2)
    assert message in result.stderr
    assert hint in result.stderr
    assert result.stdout == ""


def test_delete_takes_the_run_away_and_asks_first(loaded: Shell) -> None:
    loaded("delete", "tiny", expect=1)
    assert loaded.json("runs") != []
    assert "deleted" in loaded("delete", "tiny", "--yes").stdout
    assert loaded.json("runs") == []
    assert "arete demo" in loaded("runs").stdout


def test_an_edited_run_folder_is_refused(shell: Shell, tmp_path: Path) -> None:
    random_run(tmp_path / "run", run_id="tiny")
    with (tmp_path / "run" / "activations.parquet").open("ab") as file:
        file.write(b"x")
    result = shell("load", "run", expect=1)
    assert "activations.parquet was edited" in result.stderr
    assert shell.json("runs") == []


def test_wrong_password_is_said(shell: Shell) -> None:
    shell.environment["ARETE_NEO4J_PASSWORD"] = "wrong"
    result = shell("runs", expect=1)
    assert "password" in result.stderr.lower()
    assert "hint:" in result.stderr
