"""`arete serve` as a process of its own whose wall clock really jumps, a day forward and back, while people read."""

import json
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from served import TOKEN, serving

from arete_queries.delete import delete_run
from arete_queries.engine import EngineAddress
from arete_queries.load import load_run
from arete_queries.runner import QueryRunner
from run_builder import random_run

pytestmark = [
    pytest.mark.integration,
    pytest.mark.anyio,
    pytest.mark.skipif(sys.platform != "linux" or shutil.which("cc") is None, reason="no C compiler, or not on Linux"),
]

JUMPS = (86_400, -86_400, 0)
"""Seconds by which the process's wall clock is wrong."""
SHIM = Path(__file__).parents[2] / "clock_shim.c"
GRAPH = {"query": 'query { class(id: "clock/0") { name graph(mass: 0.5) { vertices { channel { id } rank } } } }'}
LABEL = {"query": 'mutation { labelChannel(channel: "clock/block1/0", label: "late") { id } }'}


async def test_a_wall_clock_that_jumps_changes_nothing(engine: EngineAddress, tmp_path: Path) -> None:
    shim, offset = tmp_path / "clock.so", tmp_path / "offset"
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", str(shim), str(SHIM), "-ldl"], check=True)
    offset.write_text("0")
    async with await QueryRunner.connect(engine.bolt_url, engine.user, engine.password) as runner:
        await load_run(runner, random_run(tmp_path / "clock", run_id="clock", class_count=3, seed=5), replace=True)
    try:
        with serving(
            engine,
            tmp_path,
            "--log-format",
            "json",
            LD_PRELOAD=str(shim),
            CLOCK_OFFSET_FILE=str(offset),
            ARETE_TOKEN=TOKEN,
        ) as served:
            read_and_write(served.url, lambda seconds: offset.write_text(str(seconds)))
        # The process really was at other days.
        days = {datetime.fromisoformat(json.loads(line)["time"]).date() for line in served.log.splitlines() if line}
        today = datetime.now(UTC)
        assert {(today + timedelta(seconds=seconds)).date() for seconds in JUMPS} <= days
    finally:
        async with await QueryRunner.connect(engine.bolt_url, engine.user, engine.password) as runner:
            await delete_run(runner, "clock")


def read_and_write(url: str, jump: Callable[[int], object]) -> None:
    with httpx.Client(base_url=url, timeout=60) as http:
        expected = http.post("/graphql", json=GRAPH)
        assert "errors" not in expected.json(), expected.text
        tag = expected.headers["etag"]
        outcomes: list[str] = []
        stop = threading.Event()

        def keep_reading() -> None:
            # A question that is never kept, so that deadlines and the gate are at work while the clock jumps.
            with httpx.Client(base_url=url, timeout=60) as other:
                while not stop.is_set():
                    own = GRAPH["query"] + f" # {len(outcomes)}"
                    answer = other.post("/graphql", json={"query": own})
                    outcomes.append("ok" if answer.json() == expected.json() else answer.text)

        reader = threading.Thread(target=keep_reading)
        reader.start()
        try:
            for seconds in JUMPS:
                before = len(outcomes)
                jump(seconds)
                assert http.get("/readyz").status_code == 200
                # What the caller holds is still the answer; the token still opens, and nothing else does.
                assert http.post("/graphql", json=GRAPH, headers={"If-None-Match": tag}).status_code == 304
                written = http.post("/graphql", json=LABEL, headers={"Authorization": f"Bearer {TOKEN}"}).json()
                assert written["data"]["labelChannel"] == {"id": "clock/block1/0"}
                (refused,) = http.post("/graphql", json=LABEL).json()["errors"]
                assert refused["extensions"]["code"] == "UNAUTHORIZED"
                while len(outcomes) < before + 3:
                    assert reader.is_alive()
                    time.sleep(0.05)
        finally:
            stop.set()
            reader.join()
        assert set(outcomes) == {"ok"}
