"""The wheel holds everything that an installed Arête needs, and a checkout without a viewer makes none."""

import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest

from arete_ingest import native
from arete_ingest.native.build import flags_by_name, library_name

ROOT = Path(__file__).parents[3]
PARTS = (
    *("pyproject.toml", "hatch_build.py", "README.md", "LICENSE", "pom.xml"),
    *("arete", "core", "ingest", "queries", "graphql"),
)


def build(checkout: Path, out: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    return subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)


def copy_checkout(to: Path) -> None:
    for name in PARTS:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, to / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, to / name)


def test_a_wheel_holds_statements_pom_weights_and_viewer(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    copy_checkout(checkout)
    refused = build(checkout, tmp_path / "none")
    assert refused.returncode != 0
    assert "run `make web` before building a wheel" in refused.stderr

    page = checkout / "web" / "dist" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<!doctype html><title>Arête</title>")
    result = build(checkout, tmp_path / "wheels")
    assert result.returncode == 0, result.stderr
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    statements = {f"arete_queries/cypher/{path.name}" for path in (ROOT / "queries/arete_queries/cypher").iterdir()}
    assert names >= statements
    assert names >= {
        "arete/cli.py",
        "arete_core/run_schema.py",
        "arete_graphql/static/index.html",
        "arete_ingest/demo/weights.safetensors",
        "arete_queries/engine/pom.xml",
        "arete/py.typed",
    }
    assert not any(name.startswith(("tests/", "web/", "docs/")) for name in names)
    if native.available():  # compiled from the same sources when this checkout was installed, and used again
        assert names >= {f"arete_ingest/native/{library_name(name)}" for name in flags_by_name()}
        platform = sysconfig.get_platform().replace("-", "_").replace(".", "_")
        assert wheel.name.endswith(f"-py3-none-{platform}.whl")


def test_a_wheel_is_made_without_a_compiler_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    checkout = tmp_path / "checkout"
    checkout.mkdir()
    copy_checkout(checkout)
    page = checkout / "web" / "dist" / "index.html"
    page.parent.mkdir(parents=True)
    page.write_text("<!doctype html><title>Arête</title>")
    monkeypatch.setenv("CXX", "/no/such/compiler")
    result = build(checkout, tmp_path / "wheels")
    assert result.returncode == 0, result.stderr
    (wheel,) = (tmp_path / "wheels").glob("*.whl")
    assert wheel.name.endswith("-py3-none-any.whl")
    with zipfile.ZipFile(wheel) as archive:
        assert not [name for name in archive.namelist() if name.endswith(".so")]
        reason = archive.read("arete_ingest/native/not-built.txt").decode()
    assert "CXX names /no/such/compiler, which is not there" in reason
