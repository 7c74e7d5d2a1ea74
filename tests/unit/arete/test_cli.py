"""The command line: help that teaches, quick start, errors with hints and exit codes."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.main import get_command

from arete.cli import app
from run_builder import random_run

ROOT = Path(__file__).parents[3]


def run_arete(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Runs the command as a user would, with nothing of the caller's own Arête settings."""
    clean = {key: value for key, value in os.environ.items() if not key.startswith("ARETE_")}
    return subprocess.run(
        [sys.executable, "-m", "arete", *arguments],
        env=clean | {"ARETE_HOME": str(home), "XDG_CONFIG_HOME": str(home), **environment},
        cwd=home,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def commands() -> list[tuple[str, ...]]:
    """Every command and subcommand, by its words."""
    found: list[tuple[str, ...]] = []

    def walk(command: object, words: tuple[str, ...]) -> None:
        found.append(words)
        for name, child in getattr(command, "commands", {}).items():
            walk(child, (*words, name))

    walk(get_command(app), ())
    return found


def test_every_command_of_the_first_version_is_there() -> None:
    names = {" ".join(words) for words in commands()}
    first = {"demo", "ingest", "load", "serve", "runs", "graph", "compare", "delete", "doctor"}
    assert names >= first | {"db start", "db stop", "db status"}


@pytest.mark.parametrize("words", commands(), ids=lambda words: " ".join(words) or "arete")
def test_every_command_and_option_has_help(words: tuple[str, ...]) -> None:
    command = get_command(app)
    for word in words:
        command = command.commands[word]  # pyright: ignore[reportAttributeAccessIssue] - a group by construction
    assert command.help, f"{words} has no help"
    for parameter in command.params:
        assert getattr(parameter, "help", None), f"{words}: {parameter.name} has no help"


def test_help_loads_no_heavy_module(tmp_path: Path) -> None:
    heavy = ["torch", "neo4j", "strawberry", "pyarrow", "scipy", "igraph", "uvicorn", "pydantic"]
    code = (
        "import sys; sys.argv = ['arete', '--help']\n"
        "from arete.cli import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print([name for name in {heavy} if name in sys.modules], file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, check=True)
    assert result.stderr.strip() == "[]"
    assert "demo" in result.stdout


def test_unknown_setting_in_the_environment_is_an_error_with_the_nearest_name(tmp_path: Path) -> None:
    result = run_arete("db", "status", home=tmp_path, ARETE_PROT="8080")
    assert result.returncode == 2
    assert "ARETE_PROT: there is no setting 'prot'" in result.stderr
    assert "did you mean 'port'?" in result.stderr
    assert result.stdout == ""


def test_a_run_folder_that_is_missing_fails_before_the_database_starts(tmp_path: Path) -> None:
    result = run_arete("load", "nowhere", home=tmp_path)
    assert result.returncode == 1
    assert "nowhere is no folder" in result.stderr
    assert "hint: make one with `arete ingest" in result.stderr
    assert not (tmp_path / "neo4j").exists()


def test_wrong_usage_is_exit_code_2(tmp_path: Path) -> None:
    assert run_arete("graph", home=tmp_path).returncode == 2
    assert run_arete("nonsense", home=tmp_path).returncode == 2
    result = run_arete("compare", "a", "b", "--operation", "minus", home=tmp_path)
    assert result.returncode == 2
    assert "union, intersection, difference (the first minus the others) or symmetric-difference" in result.stderr


def test_version(tmp_path: Path) -> None:
    from arete import __version__

    assert run_arete("--version", home=tmp_path).stdout == f"arete {__version__}\n"


def test_database_that_is_down_is_named_with_a_hint(tmp_path: Path) -> None:
    result = run_arete("runs", home=tmp_path, ARETE_NEO4J_URL="bolt://127.0.0.1:1", ARETE_NEO4J_PASSWORD="x")
    assert result.returncode == 1
    assert "127.0.0.1:1" in result.stderr
    assert "hint:" in result.stderr
    assert "Traceback" not in result.stderr


def test_typer_is_told_to_leave_errors_to_us() -> None:
    assert isinstance(app, typer.Typer)
    assert app.pretty_exceptions_enable is False


def test_a_bulk_load_is_for_the_embedded_engine(tmp_path: Path) -> None:
    random_run(tmp_path / "run")
    answer = run_arete("load", "--bulk", "run", home=tmp_path, ARETE_NEO4J_URL="bolt://localhost:1")
    assert answer.returncode == 2
    assert (
        "--bulk makes a new store of the embedded engine, but ARETE_NEO4J_URL names bolt://localhost:1" in answer.stderr
    )
    assert "hint: load without --bulk" in answer.stderr


def test_importing_nothing_says_what_was_expected(tmp_path: Path) -> None:
    answer = run_arete("import", "summit", ".", "--out", "run", home=tmp_path)
    assert answer.returncode == 2
    assert "ag/ag-0.json" in answer.stderr
    assert "hint: unpack" in answer.stderr
    assert not (tmp_path / "run").exists()
