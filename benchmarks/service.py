"""How fast the service answers many people at once: `python benchmarks/service.py [--run FOLDER] [--users 50]`.

Starts `arete serve` as its own process over an embedded engine (in a temporary folder, or in `--home` with a run that
was loaded before), and asks it as the viewer does, from this process, over real connections.

The load is open: requests are due at a constant rate, whether or not the answers come. A request's latency counts from
the moment it was due, also where it had to wait for one of the `--users` connections, so that a service that stalls is
not spared the requests that it kept from being sent (no coordinated omission).

The service warms up first, unless told to start `--cold`. Phases: the graph of a random class (`graph`), of one of
those that everybody looks at (`graph, kept`), random pairs compared (`compare`), and then more than it can do
(`flood`): what comes beyond capacity must be refused at once, memory stay flat, and answers be quick again the moment
that the flood ends (`after`).

Caveats: client, service and database share the machine's cores; one run of each phase. Prints one JSON object.
"""

import argparse
import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit
from urllib.request import urlopen

import psutil

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from synthetic_runs import synthetic_run

CHANNEL = "{ id layer layerIndex index label excluded picture { url tiles tilePx } }"
CLASS = "{ id index name images accuracy histogram mass edgeCount droppedShare }"
GRAPH = f"""query ClassGraph($id: ID!) {{ class(id: $id) {{ graph {{ mass cypher class {CLASS}
  vertices {{ count share rank channel {CHANNEL} }} edges {{ source target count share }} }} }} }}"""
COMPARE = f"""query Compare($a: ID!, $b: ID!) {{ compare(a: $a, b: $b) {{ massA massB cypher a {CLASS} b {CLASS}
  vertices {{ membership countA countB rankA rankB channel {CHANNEL} }}
  edges {{ source target membership countA countB }}
  layers {{ layer onlyA shared onlyB jaccard weightedJaccard }} }} }}"""
"""What the viewer's two main views ask."""

POPULAR = 40
"""Classes that everybody looks at, so that their graphs are kept."""

Question = Callable[[], dict[str, Any]]


@dataclass
class Phase:
    """What was heard in one phase: milliseconds from due to answered, by outcome."""

    latencies_ms: dict[str, list[float]] = field(default_factory=dict)
    bytes_received: int = 0
    elapsed_s: float = 0.0

    def note(self, outcome: str, latency_ms: float) -> None:
        """Keeps one answer's outcome and latency."""
        self.latencies_ms.setdefault(outcome, []).append(latency_ms)

    def report(self, rate: float) -> dict[str, Any]:
        """Returns the phase's figures."""
        outcomes = {
            outcome: {"count": len(found)} | {f"p{share}": round(quantile(found, share), 1) for share in (50, 95, 99)}
            for outcome, found in sorted(self.latencies_ms.items())
        }
        answered = len(self.latencies_ms.get("ok", ()))
        return {
            "due per s": rate,
            "answered per s": round(answered / self.elapsed_s, 1),
            "kB an answer": round(self.bytes_received / max(answered, 1) / 1000, 1),
            "ms": outcomes,
        }


def quantile(values: list[float], percent: float) -> float:
    """Returns the smallest value that `percent` % of all do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


class Client:
    """Connections that are kept open, each asking one question at a time; no library, so that it takes little."""

    def __init__(self, url: str, users: int) -> None:
        parts = urlsplit(url)
        assert parts.hostname
        assert parts.port
        self._where = (parts.hostname, parts.port)
        self._host = parts.netloc
        self._free: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter] | None] = asyncio.Queue()
        for _ in range(users):
            self._free.put_nowait(None)

    async def ask(self, question: dict[str, Any]) -> tuple[int, bytes]:
        """Returns status and body; status 0 where the connection failed."""
        connection = await self._free.get()
        try:
            # The service closes connections that lie idle, as between two phases.
            if connection is None or connection[0].at_eof():
                connection = await asyncio.open_connection(*self._where)
            reader, writer = connection
            body = json.dumps(question).encode()
            head = (
                f"POST /graphql HTTP/1.1\r\nHost: {self._host}\r\nContent-Type: application/json\r\n"
                f"Accept-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            answer_head = await reader.readuntil(b"\r\n\r\n")
            status = int(answer_head[9:12])
            length = re.search(rb"(?i)content-length: (\d+)", answer_head)
            content = await reader.readexactly(int(length[1]) if length else 0)
            if b"connection: close" in answer_head.lower():
                writer.close()
                connection = None
            return status, content
        except (OSError, asyncio.IncompleteReadError):
            connection = None
            return 0, b""
        finally:
            self._free.put_nowait(connection)


async def run_phase(client: Client, question: Question, rate: float, seconds: float) -> Phase:
    """Asks at a constant rate, and waits for every answer."""
    phase = Phase()

    async def one(due: float) -> None:
        status, content = await client.ask(question())
        outcome = "ok" if status == 200 and b'"errors"' not in content[:200] else f"{status}"
        if outcome == "ok":
            phase.bytes_received += len(content)
        phase.note(outcome, (time.perf_counter() - due) * 1000)

    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for number in range(int(rate * seconds)):
            due = started + number / rate
            pause = due - time.perf_counter()
            if pause > 0:
                await asyncio.sleep(pause)
            tasks.create_task(one(due))
    phase.elapsed_s = time.perf_counter() - started
    return phase


async def measure(url: str, run: str, process: psutil.Process, options: argparse.Namespace) -> dict[str, Any]:
    """Runs all phases and returns the figures."""
    chance = random.Random(1)  # noqa: S311
    client = Client(url, options.users)
    listed = "query($run: ID!) { run(id: $run) { classCount } }"
    _, content = await client.ask({"query": listed, "variables": {"run": run}})
    count = json.loads(content)["data"]["run"]["classCount"]

    def class_id() -> str:
        return f"{run}/{chance.randrange(count)}"

    def graph() -> dict[str, Any]:
        return {"query": GRAPH, "variables": {"id": class_id()}}

    def popular() -> dict[str, Any]:
        return {"query": GRAPH, "variables": {"id": f"{run}/{chance.randrange(min(count, POPULAR))}"}}

    def compare() -> dict[str, Any]:
        return {"query": COMPARE, "variables": {"a": class_id(), "b": class_id()}}

    (java,) = [child for child in process.children(recursive=True) if "java" in child.name()]
    parts = {"service": process, "engine": java}

    def memory_mb() -> dict[str, int]:
        return {name: part.memory_info().rss // 2**20 for name, part in parts.items()}

    def processor_s() -> dict[str, float]:
        return {name: sum(part.cpu_times()[:2]) for name, part in parts.items()}

    # Plans and Java's compiler: without the service's own warming up, whoever comes first pays for the others.
    waited = time.perf_counter()
    while not options.cold and json.loads(urlopen(urljoin(url, "readyz")).read())["warmUp"] != "done":  # noqa: S310
        await asyncio.sleep(0.5)
    warmed_s = round(time.perf_counter() - waited, 1)
    await run_phase(client, popular, 20, POPULAR / 10)
    figures: dict[str, Any] = {"classes": count, "users": options.users, "memory MB before": memory_mb()}
    figures |= {"warm-up s": warmed_s, "warm-up processor s": {part: round(s, 1) for part, s in processor_s().items()}}
    phases: list[tuple[str, Question, float]] = [
        ("graph", graph, options.rate),
        ("graph, kept", popular, options.rate),
        ("compare", compare, options.rate / 2),
        ("flood", compare, options.flood),
        ("after", graph, options.rate),
    ]
    wide = Client(url, options.users * 8)
    for name, question, rate in phases:
        before = processor_s()
        phase = await run_phase(wide if name == "flood" else client, question, rate, options.seconds)
        after = processor_s()
        figures[name] = phase.report(rate)
        # Does not depend on what else the machine does, unlike the latencies.
        figures[name]["processor ms a request"] = {
            part: round((after[part] - before[part]) / int(rate * options.seconds) * 1000, 1) for part in parts
        }
        figures[name]["memory MB"] = memory_mb()
    return figures


@contextmanager
def served(home: Path, port: int, *more: str) -> Iterator[tuple[str, psutil.Process]]:
    """Runs `arete serve` in a process of its own; gives its address and the process."""
    process = subprocess.Popen(
        [sys.executable, "-m", "arete", "serve", "--quiet", "--port", str(port), "--home", str(home), *more],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        found = re.search(r"http://[^\s#]+", process.stdout.readline())
        assert found
        yield found[0], psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(60)


def prepare(folder: Path | None, home: Path, classes: int) -> str:
    """Loads a run, a made-up one where none is named; returns its id."""
    if folder is None:
        folder = home / "synthetic"
        synthetic_run(folder, class_count=classes, edge_count=20_000)
    subprocess.run([sys.executable, "-m", "arete", "load", "--bulk", "--quiet", "--home", str(home), str(folder)],
                   check=True, stdout=subprocess.DEVNULL)  # fmt: skip
    return json.loads((folder / "manifest.json").read_text())["id"]


def main() -> None:
    """Loads where it has to, serves, asks, prints."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, help="run folder to load; a made-up run when absent")
    parser.add_argument("--home", type=Path, help="data folder whose engine holds --loaded already")
    parser.add_argument("--loaded", help="id of the run in --home")
    parser.add_argument("--classes", type=int, default=100, help="of the made-up run")
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--rate", type=float, default=50.0, help="requests a second")
    parser.add_argument("--flood", type=float, default=300.0, help="requests a second, more than it can do")
    parser.add_argument("--cold", action="store_true", help="ask at once, and let the service not warm up")
    parser.add_argument("--seconds", type=float, default=20.0, help="of each phase")
    options = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that the service is stopped whatever ends this
    with tempfile.TemporaryDirectory() as folder:
        home = options.home or Path(folder)
        run = options.loaded or prepare(options.run, home, options.classes)
        with served(home, 0, *(["--no-warm-up"] if options.cold else [])) as (url, process):
            figures = asyncio.run(measure(url, run, process, options))
    load = [round(one, 1) for one in os.getloadavg()]
    print(json.dumps({"cores": os.cpu_count(), "load average": load} | figures, indent=1))


if __name__ == "__main__":
    main()
