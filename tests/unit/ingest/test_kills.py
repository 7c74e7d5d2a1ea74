"""Killed with `kill -9` at twenty random moments, a job gives the bytes of an undisturbed one."""

import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from image_folders import make_folder
from ingest_jobs import hashes, tiny_job

from arete_ingest.job import ingest

TESTS = Path(__file__).parents[2]
KILLS = 20

SCRIPT = """
import os, shutil, signal, sys, time
from pathlib import Path
sys.path[:0] = {path!r}
from arete.cli import main
import arete_ingest.job, torch  # each job is a process of its own, forked from one that has imported everything

def start():
    child = os.fork()
    if child == 0:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        sys.argv = ["arete", *{arguments!r}]
        try:
            main()
        except SystemExit as end:
            os._exit(end.code or 0)
        os._exit(0)
    return child

def stage():
    '''Of a job that is not at work.'''
    out = Path({out!r})
    if (out / "manifest.json").exists():
        return "clean" if (out / "parts").exists() else "whole"
    if (out / "examples").exists():
        return "examples"
    if any(out.glob("*.parquet")) or any(out.glob(".*.parquet.tmp")):
        return "join"
    return "count" if (out / "parts").is_dir() else "begin"

def begin():
    if stage() == "whole":
        shutil.rmtree({out!r})
    return start()

started = time.monotonic()
os.waitpid(start(), 0)
whole_s = time.monotonic() - started
killed = 0
for moment in {moments!r}:
    started, child = time.monotonic(), begin()
    while time.monotonic() - started < moment * whole_s:
        if os.waitpid(child, os.WNOHANG) != (0, 0):
            child = begin()  # it was done: every kill is to hit a job at work
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if not os.WIFSIGNALED(status):
        continue  # it ended between the last look and the signal; the next moment has its turn
    print("killed", stage(), flush=True)
    killed += 1
    if killed == {kills}:
        break
print("last", os.waitstatus_to_exitcode(os.waitpid(start(), 0)[1]), flush=True)
"""


@pytest.mark.timeout(240)
def test_twenty_kills_at_random_moments_change_no_byte(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data")
    (tmp_path / "few.txt").write_text("a/00.png\nb/07.png\nc/01.png\n")
    settings = replace(tiny_job(data, tmp_path / "whole"), subsets=(("few", tmp_path / "few.txt"),))
    ingest(settings)
    rng = random.Random(20261121)
    moments = [rng.uniform(0, 1.1) for _ in range(3 * KILLS)]  # in durations of an undisturbed job; some miss it
    out = tmp_path / "killed"
    options = {
        "model": settings.model, "data": data, "out": out, "name": "tiny", "image-size": 16, "batch-size": 2,
        "tile-px": 16, "influence-k": 2, "threads": 1, "subset": f"few={tmp_path / 'few.txt'}",
    }  # fmt: skip
    arguments = ["ingest", "--quiet", *(text for name, value in options.items() for text in (f"--{name}", str(value)))]
    script = SCRIPT.format(path=[str(TESTS)], arguments=arguments, out=str(out), moments=moments, kills=KILLS)
    child = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=200, check=False)
    lines = child.stdout.splitlines()
    kills = [line for line in lines if line.startswith("killed")]
    assert len(kills) == KILLS, (lines, child.stderr)
    # Which stages are hit depends on the machine; three at least of six.
    print(kills)
    assert len(set(kills)) >= 3, f"kills at several stages were expected: {kills}"
    assert "last 0" in lines, child.stderr
    assert hashes(out) == hashes(settings.out)
    mine, theirs = (json.loads((folder / "manifest.json").read_text()) for folder in (out, settings.out))
    assert {**mine, "created_at": ""} == {**theirs, "created_at": ""}
    assert sorted(path.name for path in out.iterdir()) == sorted(path.name for path in settings.out.iterdir())
