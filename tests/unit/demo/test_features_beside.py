"""Feature visualizations in a process beside the viewer: what is told of it, and that it ends with the block."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from arete.demo import features_beside
from arete_core.progress import SilentProgress


class Telling(SilentProgress):
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def say(self, text: str) -> None:
        self.said.append(text)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "demo").mkdir()
    return tmp_path


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(1200):
        if condition():
            return
        time.sleep(0.1)
    pytest.fail("it did not come true within two minutes")


def test_a_job_that_fails_is_told_with_its_log(home: Path) -> None:
    progress, log = Telling(), home / "demo" / "features.log"
    with features_beside(home, home / "nowhere", progress):
        wait_for(lambda: len(progress.said) == 2)
    assert "are being made" in progress.said[0]
    assert progress.said[1] == f"feature visualizations could not be made: {log}"
    assert "nowhere" in log.read_text()


def test_a_job_that_is_stopped_with_the_demo_says_nothing_more(home: Path) -> None:
    progress = Telling()
    with features_beside(home, home / "nowhere", progress):
        pass
    assert len(progress.said) == 1
