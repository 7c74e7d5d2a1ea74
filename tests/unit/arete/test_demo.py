"""What the demo does beside the viewer: commands in turn, each with its log, until it is told to stop."""

import threading
from pathlib import Path

from arete.demo import _run_in_turn
from arete_core.progress import SilentProgress


def test_commands_run_in_turn_each_with_a_log(tmp_path: Path) -> None:
    _run_in_turn((("--version",), ("rank", "--help")), tmp_path, threading.Event(), SilentProgress())
    assert (tmp_path / "--version.log").read_text().startswith("arete ")
    assert "damping" in (tmp_path / "rank.log").read_text()


def test_after_a_stop_none_is_begun(tmp_path: Path) -> None:
    stopped = threading.Event()
    stopped.set()
    _run_in_turn((("rank", "--help"),), tmp_path, stopped, SilentProgress())
    assert list(tmp_path.iterdir()) == []
