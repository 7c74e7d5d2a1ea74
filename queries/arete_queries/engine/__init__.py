"""The embedded Neo4j engine: fetched with Maven, run as a child process on loopback ports, stopped with its parent.

with start_engine(EngineSettings(home=Path("~/.arete"))) as engine:
    runner = await QueryRunner.connect(engine.address.bolt_url, engine.address.user, engine.address.password)
"""

from arete_queries.engine.checkup import Check, CheckStatus, doctor
from arete_queries.engine.config import EngineAddress, EngineMemory, EngineSettings
from arete_queries.engine.external import ServerReport, check_external
from arete_queries.engine.jars import EngineJars, installed_jars, resolve_jars
from arete_queries.engine.java import JavaRuntime, find_java
from arete_queries.engine.keeper import EngineKeeper
from arete_queries.engine.process import (
    EngineStatus,
    RunningEngine,
    engine_status,
    prepare_engine,
    start_engine,
    stop_engine,
)
from arete_queries.engine.state import EnginePhase

__all__ = [
    "Check",
    "CheckStatus",
    "EngineAddress",
    "EngineJars",
    "EngineKeeper",
    "EngineMemory",
    "EnginePhase",
    "EngineSettings",
    "EngineStatus",
    "JavaRuntime",
    "RunningEngine",
    "ServerReport",
    "check_external",
    "doctor",
    "engine_status",
    "find_java",
    "installed_jars",
    "prepare_engine",
    "resolve_jars",
    "start_engine",
    "stop_engine",
]
