"""Pictures made in processes beside the viewer: what is told of them, and that they end with the block."""

import time
from collections.abc import Callable
from pathlib import Path

import pytest

from arete.demo import pictures_beside
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


def test_jobs_that_fail_are_told_with_their_logs(home: Path) -> None:
    progress = Telling()
    with pictures_beside(home, home / "nowhere", progress):
        wait_for(lambda: len(progress.said) == 4)
    for command, (begun, ended) in zip(("instances", "features"), (progress.said[:2], progress.said[2:]), strict=True):
        log = home / "demo" / f"{command}.log"
        assert begun.startswith(f"arete {command} is at work")
        assert ended == f"arete {command} failed: {log}"
        assert "nowhere" in log.read_text()


def test_a_job_that_is_stopped_with_the_demo_says_nothing_more(home: Path) -> None:
    progress = Telling()
    with pictures_beside(home, home / "nowhere", progress):
        wait_for(lambda: len(progress.said) == 1)
    assert len(progress.said) == 1
