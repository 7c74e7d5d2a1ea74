"""Several processes on one job: the same bytes as one, no hanging on a dead one, no second job let in."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from image_folders import make_folder
from ingest_jobs import hashes, tiny_job

from arete_core.errors import RunFolderError, RunIncompleteError, SettingError
from arete_core.run_folder import RunFolder
from arete_core.run_lock import locked
from arete_ingest.job import ingest
from arete_ingest.parts import PARTS
from arete_ingest.processes import Claims, Process, is_held
from arete_ingest.settings import IngestSettings

TESTS = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> IngestSettings:
    base = tmp_path_factory.mktemp("processes")
    data = make_folder(base / "data")
    (data / "b" / "03.png").write_text("no image")
    (base / "few.txt").write_text("a/00.png\nb/03.png\nb/07.png\nc/01.png\n")
    return replace(tiny_job(data, base / "tiny"), subsets=(("few", base / "few.txt"),), max_failed=0.1)


@pytest.fixture(scope="module")
def run(asked: IngestSettings) -> RunFolder:
    """Made by one process."""
    return RunFolder.open(ingest(asked).folder)


RANKS = """
import json, os, sys, time
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
sys.path[:0] = {path!r}
from arete_core.progress import SilentProgress
from arete_ingest.job import ingest
from ingest_jobs import tiny_job

class Watching(SilentProgress):
    '''Prints what the first process reports, and kills a process at a step.'''
    @contextmanager
    def task(self, name, *, total, unit, done=0):
        steps = [done]
        class Steps:
            def advance(self, count=1):
                steps[0] += count
            def note(self, text):
                pass
        yield Steps()
        print("task", name, total, steps[0], flush=True)

def die_or_wait(rank, out, world, victim):
    '''The victim dies with a unit counted and not written; the others begin when it has.'''
    from arete_ingest import count_units
    from arete_ingest.parts import Parts
    dying, begun = Path(out + ".dying"), count_units._run_lane
    def die(self, unit, result):
        while len(list(Path(out).glob("parts/claims-*/process-*"))) < world:
            time.sleep(0.02)
        dying.touch()
        os.kill(os.getpid(), 9)
    def late(job, common):
        while not dying.exists():
            time.sleep(0.02)
        time.sleep(0.2)
        return begun(job, common)
    if rank == victim:
        Parts.write = die
    else:
        count_units._run_lane = late

def run(data, out, few, world, victim, max_failed, port):
    settings = replace(tiny_job(Path(data), Path(out)), subsets=(("few", Path(few)),), max_failed=max_failed)
    os.environ.update(WORLD_SIZE=str(world), MASTER_PORT=str(port))
    children = {{}}
    for rank in reversed(range(world)):  # the first process comes last: the others have to wait for it
        child = os.fork()
        if child == 0:
            os.environ["RANK"] = str(rank)
            if victim is not None:
                die_or_wait(rank, out, world, victim)
            try:
                result = ingest(settings, Watching())
                print("done", rank, result.images, result.failed, result.continued_images, flush=True)
                os._exit(0)
            except Exception as error:
                print("error", rank, type(error).__name__, error, flush=True)
                os._exit(1)
        children[child] = rank
    codes = {{}}
    while children:
        child, status = os.wait()
        codes[children.pop(child)] = os.waitstatus_to_exitcode(status)
    print("codes", [codes[rank] for rank in range(world)], flush=True)

for port, line in enumerate(sys.stdin, 29500):  # each job has a port, and with it a token, of its own
    run(**json.loads(line), port=port)
"""

RunRanks = Callable[..., tuple[list[int], list[str]]]


@pytest.fixture(scope="module")
def run_ranks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunRanks]:
    """Returns a function that runs a job in several processes, forked from one that has imported torch already."""
    said = tmp_path_factory.mktemp("ranks") / "errors.txt"
    script = RANKS.format(path=[str(TESTS)])
    with (
        said.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as parent,
    ):
        assert parent.stdin is not None
        assert parent.stdout is not None
        answers, questions = parent.stdout, parent.stdin

        def run_ranks(
            settings: IngestSettings, world: int, *, victim: int | None = None, max_failed: float = 0.1
        ) -> tuple[list[int], list[str]]:
            job = {"data": settings.data, "out": settings.out, "few": settings.subsets[0][1]}
            asked = {name: str(path) for name, path in job.items()}
            questions.write(json.dumps(asked | {"world": world, "victim": victim, "max_failed": max_failed}) + "\n")
            questions.flush()
            lines = []
            for line in answers:
                if line.startswith("codes "):
                    return json.loads(line.removeprefix("codes ")), lines
                lines.append(line.rstrip("\n"))
            pytest.fail(said.read_text())

        yield run_ranks
        questions.close()


def manifest(folder: Path) -> dict:
    return {**json.loads((folder / "manifest.json").read_text()), "created_at": ""}


@pytest.mark.parametrize("world", [2, 4])
def test_several_processes_give_the_bytes_of_one(
    run: RunFolder, asked: IngestSettings, run_ranks: RunRanks, tmp_path: Path, world: int
) -> None:
    settings = replace(asked, out=tmp_path / "tiny")
    codes, lines = run_ranks(settings, world)
    assert codes == [0] * world, lines
    assert "task Count images 64 64" in lines, "the first process reports what all have done"
    assert "done 0 59 1 0" in lines
    assert hashes(settings.out) == hashes(run.path)
    assert manifest(settings.out) == manifest(run.path)
    assert sorted(path.name for path in settings.out.iterdir()) == sorted(path.name for path in run.path.iterdir())
    # All of them find a finished job done.
    codes, lines = run_ranks(settings, world)
    assert codes == [0] * world, lines


@pytest.mark.parametrize("victim", [0, 2])
def test_a_killed_process_ends_the_others_and_the_same_command_continues(
    run: RunFolder, asked: IngestSettings, run_ranks: RunRanks, tmp_path: Path, victim: int
) -> None:
    settings = replace(asked, out=tmp_path / "tiny")
    codes, lines = run_ranks(settings, 3, victim=victim)
    assert codes[victim] == -9
    assert codes[0] != 0, "the first process does not finish without the unit"
    errors = [line for line in lines if line.startswith("error")]
    if victim:
        assert any(f"error 0 RunIncompleteError process {victim + 1} of 3" in line for line in errors), lines
    else:
        assert any("the first process has ended before the run was whole" in line for line in errors), lines
    with pytest.raises(RunFolderError):
        RunFolder.open(settings.out)
    # With another number of processes.
    codes, lines = run_ranks(settings, 2)
    assert codes == [0, 0], lines
    assert hashes(settings.out) == hashes(run.path)
    assert not (settings.out / PARTS).exists()


def test_failures_of_all_processes_count_together(asked: IngestSettings, run_ranks: RunRanks, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=20)
    for class_ in "abc":
        (data / class_ / "01.png").write_text("no image")
    settings = replace(asked, data=data, out=tmp_path / "tiny")
    codes, lines = run_ranks(settings, 3, max_failed=0.04)  # 3 of 60 may
    assert codes == [0, 0, 0], lines
    shutil.rmtree(settings.out)
    codes, lines = run_ranks(settings, 3, max_failed=0.03)  # 2 of 60 may
    assert codes[0] == 1
    assert any("DatasetError" in line and "images could not be read" in line for line in lines), lines


def test_torchrun_and_the_command(run: RunFolder, asked: IngestSettings, tmp_path: Path) -> None:
    options = {
        "model": asked.model, "data": asked.data, "out": tmp_path / "tiny", "name": "tiny", "image-size": 16,
        "batch-size": 2, "tile-px": 16, "influence-k": 2, "threads": 1, "max-failed": 0.1,
        "subset": f"few={asked.subsets[0][1]}",
    }  # fmt: skip
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2", "-m", "arete"]
    arguments = [text for name, value in options.items() for text in (f"--{name}", str(value))]
    child = subprocess.run(
        [*command, "ingest", *arguments],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, "PYTHONPATH": str(TESTS)},
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.count("59 images") == 1, "only the first process speaks"
    assert "1 images left out" in child.stdout
    assert hashes(tmp_path / "tiny") == hashes(run.path)


def test_sigterm_finishes_the_units_under_way(run: RunFolder, asked: IngestSettings, tmp_path: Path) -> None:
    settings = replace(asked, out=tmp_path / "tiny", threads=3)
    script = (
        f"import os, sys, threading; sys.path[:0] = [{str(TESTS)!r}]\n"
        "from dataclasses import replace\nfrom pathlib import Path\n"
        "from arete_ingest import count_units, job\nfrom ingest_jobs import tiny_job\n"
        "original = count_units.decode_ahead.__globals__['decode_batch']\n"
        "def slow(*arguments, **options):\n"
        "    import time; time.sleep(0.15)\n"
        "    print('batch', flush=True)\n"
        "    return original(*arguments, **options)\n"
        "count_units.decode_ahead.__globals__['decode_batch'] = slow\n"
        f"settings = replace(tiny_job(Path({str(settings.data)!r}), Path({str(settings.out)!r})), threads=3,\n"
        f"    subsets=(('few', Path({str(settings.subsets[0][1])!r})),), max_failed=0.1)\n"
        "job.ingest(settings)\n"
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None
        for _ in range(4):
            child.stdout.readline()
        child.send_signal(signal.SIGTERM)
        _, errors = child.communicate(timeout=60)
    assert child.returncode == 143, errors
    parts = sorted(path.name for path in (settings.out / PARTS).iterdir())
    assert len(parts) == 3, "one for each lane"
    assert all(name.endswith(".npz") for name in parts)
    assert ingest(settings).continued_images > 0
    assert hashes(settings.out) == hashes(run.path)


def test_claims_are_dealt_once_and_tell_dead_from_slow(tmp_path: Path) -> None:
    (tmp_path / PARTS).mkdir()
    part = tmp_path / PARTS / "7.npz"
    with locked(tmp_path) as lock:
        assert is_held(tmp_path / ".lock")
        first = Claims.begin(tmp_path, lock, Process(0, 2, token="x"))
        second = Claims.join(tmp_path, Process(1, 2, token="x"), finished=lambda: False)
        assert second is not None
        assert second.take(7, part)
        assert not first.take(7, part)
        assert first.take(8, part)
        assert first.dead_owner(7, part) is None
        second.close()
        assert (first.dead_owner(7, part) or "").startswith(f"process 2 of 2 ({os.getpid()} on ")
        part.touch()
        assert first.dead_owner(7, part) is None
        assert not first.take(9, part), "a unit that is done is not claimed"
        first.close()
    assert not (tmp_path / ".lock").exists()


def test_a_process_without_the_first_one_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / PARTS).mkdir()
    with locked(tmp_path) as lock:
        first = Claims.begin(tmp_path, lock, Process(0, 2, token="x"))
        second = Claims.join(tmp_path, Process(1, 2, token="x"), finished=lambda: False)
        first.close()
    assert second is not None
    with pytest.raises(RunIncompleteError, match="process 2 of 2 stops: the first process has ended"):
        second.take(1, tmp_path / PARTS / "1.npz")
    second.close()
    monkeypatch.setattr("arete_ingest.processes._MEETING_S", 0.3)
    started = time.monotonic()
    with pytest.raises(RunIncompleteError, match="for the first one to begin"):
        Claims.join(tmp_path, Process(1, 2, token="x"), finished=lambda: False)
    assert time.monotonic() - started < 5
    with locked(tmp_path) as lock:
        Claims.begin(tmp_path, lock, Process(0, 2, token="another job")).close()
        with pytest.raises(RunIncompleteError):
            Claims.join(tmp_path, Process(1, 2, token="x"), finished=lambda: False)
    assert Claims.join(tmp_path, Process(1, 2, token="x"), finished=lambda: True) is None


@pytest.mark.parametrize(
    ("environment", "what"),
    [
        ({"WORLD_SIZE": "two"}, "WORLD_SIZE is 'two', a number"),
        ({"WORLD_SIZE": "2"}, "RANK is None, a number"),
        ({"WORLD_SIZE": "2", "RANK": "2"}, "RANK 2 of 2"),
        ({"WORLD_SIZE": "2", "RANK": "1", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "1"}, "LOCAL_RANK 1 of 1"),
    ],
)
def test_numbers_that_cannot_be(monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], what: str) -> None:
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingError, match=what):
        Process.from_environment()


def test_one_process_unless_the_environment_says_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    assert Process.from_environment() == Process()
    for name, value in {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    found = Process.from_environment()
    assert (found.rank, found.world, found.local_rank, found.local_world) == (3, 4, 1, 2)
    assert found.name == "process 4 of 4"
