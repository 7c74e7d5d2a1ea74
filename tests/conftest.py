"""What every tier shares: skips with their reason, and the third-party data beside the project."""

import os
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SHARED_DATA = Path(os.environ.get("ARETE_SHARED_DATA", ROOT.parent / "shared" / "data"))
"""Third-party data that is never committed; every test that reads it carries the mark `shared_data`."""


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skips what this machine cannot run; each reason has its row in tests/QUARANTINES.md."""
    if item.get_closest_marker("shared_data"):
        if os.environ.get("CI"):
            pytest.skip("third-party data is not used in CI")
        if not SHARED_DATA.is_dir():
            pytest.skip(f"no third-party data at {SHARED_DATA}; set ARETE_SHARED_DATA")
    if item.get_closest_marker("gpu"):
        import torch

        if not torch.cuda.is_available():
            pytest.skip("no CUDA device on this machine")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of third-party data; only for tests marked `shared_data`."""
    return SHARED_DATA
