"""Our folder `graphql/` must never hide graphql-core, and the service must never load torch."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]

CHECK_IMPORTS = """
import importlib, sys
importlib.import_module(sys.argv[1])
found = sorted({name.partition(".")[0] for name in sys.modules} & {"torch", "torchvision", "arete_ingest"})
sys.exit(f"imported {found}" if found else 0)
"""


def run_python(*arguments: str, folders: tuple[Path, ...] = ()) -> subprocess.CompletedProcess[str]:
    """Runs this Python in the repository's root, with further folders to import from."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, folders))}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ("-c", "import strawberry, graphql; assert 'site-packages' in graphql.__file__, graphql.__file__"),
        ("-m", "pytest", "--version"),
        ("-m", "pytest", "--collect-only", "-q", "tests/unit/graphql/test_imports.py"),
        ("-m", "uvicorn", "--version"),
        (
            "-c",
            (
                "import sys; sys.path.insert(0, '.'); from uvicorn.importer import import_from_string as load; "
                "assert callable(load('arete_graphql.app:create_app'))"
            ),
        ),
    ],
    ids=["import strawberry", "pytest --version", "pytest --collect-only", "uvicorn --version", "uvicorn app string"],
)
def test_graphql_core_is_found_from_the_root(arguments: tuple[str, ...]) -> None:
    finished = run_python(*arguments)
    assert finished.returncode == 0, finished.stdout + finished.stderr


def test_no_package_lies_where_it_would_hide_graphql_core() -> None:
    assert not (ROOT / "graphql" / "__init__.py").exists()


def test_the_root_check_can_fail(tmp_path: Path) -> None:
    hiding = tmp_path / "graphql"
    hiding.mkdir()
    (hiding / "__init__.py").touch()
    finished = run_python("-c", "import strawberry", folders=(tmp_path,))
    assert finished.returncode != 0
    assert "graphql" in finished.stderr


@pytest.mark.parametrize("module", ["arete_graphql", "arete_graphql.app", "arete_graphql.server"])
def test_the_service_loads_no_torch(module: str) -> None:
    finished = run_python("-c", CHECK_IMPORTS, module)
    assert finished.returncode == 0, finished.stderr


@pytest.mark.parametrize("forbidden", ["torch", "arete_ingest"])
def test_the_torch_check_can_fail(tmp_path: Path, forbidden: str) -> None:
    (tmp_path / "torch.py").touch()
    (tmp_path / "careless.py").write_text(f"import {forbidden}\n")
    finished = run_python("-c", CHECK_IMPORTS, "careless", folders=(tmp_path,))
    assert finished.returncode != 0
    assert f"imported ['{forbidden}']" in finished.stderr
