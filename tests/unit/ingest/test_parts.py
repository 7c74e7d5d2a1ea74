"""Units of work on disk, the lock, and what differs between two jobs."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_models import tiny

from arete_core.errors import RunAlteredError, RunConflictError
from arete_core.run_lock import locked
from arete_ingest.counter import ClassCounts
from arete_ingest.layer_graph import LayerGraph
from arete_ingest.parts import Parts, UnitResult, differences, read_job, write_job
from arete_ingest.strongest import Strongest
from arete_ingest.tracing import trace_model


@pytest.fixture(scope="module")
def graph() -> LayerGraph:
    return trace_model(tiny(), 16)


def random_unit(graph: LayerGraph, seed: int = 0) -> UnitResult:
    rng = np.random.default_rng(seed)

    def sparse(*shape: int) -> np.ndarray:
        return rng.integers(1, 300, shape) * (rng.random(shape) < 0.3)

    return UnitResult(
        counts=ClassCounts(
            images=3,
            activation_counts=[sparse(layer.channels) for layer in graph.layers],
            top_k_counts=[sparse(layer.channels) for layer in graph.layers],
            influence_counts=[sparse(conv.out_channels, conv.candidates).astype(np.int32) for conv in graph.sums],
        ),
        images=np.array([4, 5, 7, 8]),
        counted=np.array([True, True, False, True]),
        outputs=np.array([0, 2, 1, 0], np.int32),
        probabilities=np.array([0.5, np.nan, 1.0, 0.0], np.float32),
        errors={6: "damaged: «é»"},
        strongest=[
            Strongest(
                rng.random((layer.channels, 2), np.float32),
                rng.integers(0, 9, (layer.channels, 2)),
                rng.integers(0, 9, (layer.channels, 2), np.int32),
            )
            for layer in graph.layers
        ],
    )


def test_a_unit_comes_back_as_it_was(tmp_path: Path, graph: LayerGraph) -> None:
    parts = Parts(tmp_path, graph)
    parts.prepare()
    unit = random_unit(graph)
    parts.write(3, unit)
    assert parts.done() == {3}
    found = parts.read(3)
    for field in ("activation_counts", "top_k_counts", "influence_counts"):
        for mine, theirs in zip(getattr(unit.counts, field), getattr(found.counts, field), strict=True):
            np.testing.assert_array_equal(mine, theirs)
            assert mine.dtype == theirs.dtype
    assert found.counts.images == 3
    for field in ("images", "counted", "outputs", "probabilities"):
        np.testing.assert_array_equal(getattr(found, field), getattr(unit, field))
    assert found.errors == parts.errors(3) == unit.errors
    for mine, theirs in zip(unit.strongest, found.strongest, strict=True):
        for one, other in zip(mine, theirs, strict=True):
            np.testing.assert_array_equal(one, other)


def test_half_written_files_are_removed_and_count_for_nothing(tmp_path: Path, graph: LayerGraph) -> None:
    parts = Parts(tmp_path, graph)
    parts.prepare()
    (tmp_path / "parts" / ".0000001.npz.77.tmp").write_bytes(b"half")
    assert parts.done() == set()
    parts.prepare()
    assert list((tmp_path / "parts").iterdir()) == []


@pytest.mark.parametrize("keep", [0.0, 0.2, 0.9])
def test_a_damaged_unit_says_which_file_to_delete(tmp_path: Path, graph: LayerGraph, keep: float) -> None:
    parts = Parts(tmp_path, graph)
    parts.prepare()
    parts.write(0, random_unit(graph))
    path = tmp_path / "parts" / "0000000.npz"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep)])
    with pytest.raises(RunAlteredError, match=r"0000000\.npz is damaged") as caught:
        parts.read(0)
    assert "delete" in caught.value.hint


def test_a_held_folder_names_its_owner(tmp_path: Path) -> None:
    with locked(tmp_path):
        with pytest.raises(RunConflictError, match=f"process {os.getpid()}"), locked(tmp_path):
            pass
        assert (tmp_path / ".lock").exists()
    assert not (tmp_path / ".lock").exists()
    with locked(tmp_path):
        pass


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path) -> None:
    script = (
        "import fcntl, os, sys, time\n"
        f"fd = os.open({str(tmp_path / '.lock')!r}, os.O_RDWR | os.O_CREAT)\n"
        "fcntl.flock(fd, fcntl.LOCK_EX)\n"
        "os.write(fd, str(os.getpid()).encode())\n"
        "print('held', flush=True)\n"
        "time.sleep(60)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(RunConflictError, match=f"process {other.pid}"), locked(tmp_path):
            pass
        other.kill()
        other.wait()
    assert (tmp_path / ".lock").read_text() == str(other.pid), "the file is still there, the lock is not"
    with locked(tmp_path):
        assert (tmp_path / ".lock").read_text() == f"{os.getpid()}\n"


def test_job_file(tmp_path: Path) -> None:
    assert read_job(tmp_path) is None
    write_job(tmp_path, {"share": 0.03})
    assert read_job(tmp_path) == {"share": 0.03}
    (tmp_path / "job.json").write_text("{")
    with pytest.raises(RunAlteredError, match="is damaged"):
        read_job(tmp_path)


def test_differences_in_words() -> None:
    before = {"share": 0.03, "limit": None, "weights_sha256": "a" * 64, "split": "train"}
    now = {"share": 0.05, "limit": 10, "weights_sha256": "b" * 64, "split": "train"}
    assert differences(before, now) == [
        "share was 0.03, is 0.05",
        "limit was not given, is 10",
        "weights sha256 was aaaaaaaaaaaa…, is bbbbbbbbbbbb…",
    ]
    assert differences(before, dict(before)) == []
