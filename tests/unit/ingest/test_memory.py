"""Memory does not grow with the number of images, and stays within a limit that is given."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from image_folders import make_folder
from ingest_jobs import hashes, tiny_job
from tiny_models import tiny

from arete_core.errors import SettingError
from arete_core.run_folder import RunFolder
from arete_ingest.job import ingest
from arete_ingest.memory import LaneMemory, fit, lane_memory, resident_bytes
from arete_ingest.tracing import trace_model

TESTS = Path(__file__).parents[2]

SCRIPT = """
import sys
from dataclasses import replace
from pathlib import Path
sys.path[:0] = {path!r}
from arete_ingest.job import ingest
from arete_ingest.memory import resident_bytes
from ingest_jobs import tiny_job
change = {change!r}
base = tiny_job(Path({data!r}), Path({out!r}))
before = resident_bytes() / 2**20
extra = change.pop("extra_mb", None)
change = dict(threads=2, image_size=128) | change
ingest(replace(base, memory_mb=extra and before + extra, **change))
# Not getrusage's, which begins with what the process had that started this one.
high = next(line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(int(high) / 1024 - before)
"""


def peaks(data: Path, out: Path, *changes: dict) -> list[float]:
    """The most memory that jobs took besides the program, in MiB, each in a process of its own.

    Not forked from one that has imported everything: a child begins without the libraries' pages, and takes them on the
    way.
    """
    found = []
    for number, change in enumerate(changes):
        script = SCRIPT.format(path=[str(TESTS)], data=str(data), out=str(out / str(number)), change=change)
        child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=240, check=False)
        assert child.returncode == 0, child.stderr
        found.append(float(child.stdout))
    return found


def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", classes=("a",), images=1)
    for image in range(1, 1600):
        (data / "a" / f"{image:04d}.png").hardlink_to(data / "a" / "00.png")
    # 50 and 400 batches of 4; one that was kept would take 4.5 MiB with its maps.
    few, many = peaks(data, tmp_path, {"batch_size": 4, "limit": 200}, {"batch_size": 4})
    assert many - few < 24, f"{few:.0f} MiB after 50 batches, {many:.0f} MiB after 400"


def test_a_limit_is_kept(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=80)
    wide = {"batch_size": None, "threads": 4, "image_size": 256, "limit": 32}
    free, limited = peaks(data, tmp_path, wide, wide | {"extra_mb": 160})
    assert limited < 160 < free, f"{limited:.0f} MiB with a limit of 160, {free:.0f} without"


def test_a_lane_takes_what_its_tensors_take() -> None:
    need = lane_memory(trace_model(tiny(), 64), tiny_job(Path("data"), Path("out")), 64)
    # The input, the first map before and after its ReLU: 3 + 6 + 6 channels of 64 x 64 float32, at least. Counting
    # looks at 6 x 8 maps of 32 x 32 at once, and wants some copies of them.
    assert 15 * 64 * 64 * 4 <= need.image <= 120 * 64 * 64 * 4
    assert need.fixed < 5_000_000
    assert LaneMemory(100, 10).of(10) == 260


def test_lanes_first_then_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    graph = trace_model(tiny(), 64)
    settings = replace(tiny_job(Path("data"), Path("out")), batch_size=None)
    need = lane_memory(graph, settings, 64)
    monkeypatch.setattr("arete_ingest.memory.resident_bytes", lambda: 0)
    monkeypatch.setattr("arete_ingest.memory._LATER", 0)

    def limited(lanes: int, size: int, **changes: int | None) -> tuple[int, int]:
        megabytes = (lanes * need.of(size) + 2000) / 2**20
        return fit(graph, replace(settings, memory_mb=max(megabytes, 0.25), **changes), 64, 4)

    assert fit(graph, settings, 64, 4) == (4, 32)
    assert limited(5, 32) == (4, 32)
    assert limited(3, 32) == (3, 32)
    assert limited(1, 8) == (1, 8)
    with pytest.raises(SettingError, match="too little for batches of 16") as caught:
        limited(1, 8, batch_size=16)
    assert "--batch-size 8" in caught.value.hint


def test_too_little_memory_says_how_much_is_needed(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=1)
    with pytest.raises(SettingError, match="1 MB are too little for batches of 1:") as caught:
        ingest(replace(tiny_job(data, tmp_path / "tiny"), memory_mb=1.0, batch_size=None))
    assert int(caught.value.hint.split("--memory-mb ")[1].split()[0].replace(",", "")) > resident_bytes() / 2**20


def test_a_limit_changes_no_number(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=5)
    base = replace(tiny_job(data, tmp_path / "free"), batch_size=None, threads=3)
    free = RunFolder.open(ingest(base).folder)
    limited = ingest(replace(base, out=tmp_path / "limited", memory_mb=resident_bytes() / 2**20 + 400))
    assert free.manifest.settings["batch_size"] == 32
    assert hashes(limited.folder) == hashes(free.path)
