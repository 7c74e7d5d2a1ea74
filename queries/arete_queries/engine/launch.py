"""Starts one Java process under its guard and waits until it answers a real query."""

import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arete_core.errors import EngineError
from arete_core.files import write_bytes_atomically
from arete_queries.engine.auth import ensure_password, make_private
from arete_queries.engine.config import (
    DATABASE,
    LOOPBACK,
    USER,
    EngineAddress,
    EnginePaths,
    EngineSettings,
    config_text,
    java_options,
)
from arete_queries.engine.failures import console_tail, last_lines, port_in_use, startup_error
from arete_queries.engine.host import accepts_connections, listen_once, process_birth
from arete_queries.engine.jars import EngineJars
from arete_queries.engine.java import JavaRuntime

_MAIN_CLASS = "org.neo4j.server.CommunityEntryPoint"
_POLL_S = 0.025
# A guard that was told to stop kills Java after the stop timeout; it needs a moment more itself.
_GUARD_GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class Ports:
    """The two ports of an engine."""

    bolt: int
    http: int


def choose_ports(settings: EngineSettings) -> Ports:
    """Returns the ports to listen on: those asked for, or free ones.

    Raises:
        PortInUseError: A port that was asked for is taken.
    """
    probes = []
    try:
        for port in (settings.bolt_port, settings.http_port):
            try:
                probes.append(listen_once(port))
            except OSError as error:
                raise port_in_use([port]) from error
        return Ports(*(probe.getsockname()[1] for probe in probes))
    finally:
        for probe in probes:
            probe.close()


class GuardedJava:
    """A Java process and the guard that stops it when this process ends.

    Args:
        settings: The engine's settings.
        java: What runs it.
        jars: What is run.
        ports: Where it is to listen.
        lock: Descriptor that holds the folder's lock; guard and Java inherit it, the caller closes its own.
        options: Further Java options.

    Raises:
        EngineError: The process could not be started at all.
    """

    def __init__(
        self,
        settings: EngineSettings,
        java: JavaRuntime,
        jars: EngineJars,
        ports: Ports,
        *,
        lock: int,
        options: Sequence[str] = (),
    ) -> None:
        self._settings = settings
        self._paths = settings.paths
        self.ports = ports
        self.password = prepare_home(settings, jars, ports)
        self._guard = subprocess.Popen(
            # Isolated and without site-packages: it starts quickly whatever is installed.
            [sys.executable, "-I", "-S", Path(__file__).with_name("guard.py"), str(lock)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=self._paths.root,
            pass_fds=(lock,),
            # Its own session: Ctrl-C in a terminal reaches only Arête, which then stops the engine in good order.
            start_new_session=True,
        )
        assert self._guard.stdin is not None  # noqa: S101 - for the type checker; PIPE was asked for
        assert self._guard.stdout is not None  # noqa: S101
        self._input = self._guard.stdin
        self._output = self._guard.stdout
        self._unread = b""
        self._exit_code: int | None = None
        self.pid = 0
        self._birth: str | None = None
        try:
            self._send(
                {
                    "command": java_command(settings, java, jars, options),
                    "log": str(self._paths.console),
                    "state": str(self._paths.state),
                    "stop_timeout_s": settings.stop_timeout_s,
                }
            )
            message = self._receive(timeout_s=10.0) or {}
            if "pid" not in message:
                raise EngineError(f"Java could not be started: {message.get('error', 'the guard did not answer')}")
        except BaseException:
            self.stop()
            raise
        self.pid = message["pid"]
        self._birth = process_birth(self.pid)

    @property
    def guard_pid(self) -> int:
        """The guard's process id."""
        return self._guard.pid

    @property
    def address(self) -> EngineAddress:
        """Where the engine will answer."""
        return EngineAddress(
            bolt_url=f"bolt://{LOOPBACK}:{self.ports.bolt}",
            http_url=f"http://{LOOPBACK}:{self.ports.http}",
            user=USER,
            password=self.password,
            pid=self.pid,
        )

    def has_ended(self) -> bool:
        """Says whether Java has ended, or is about to since its guard was killed."""
        if self._exit_code is None:
            message = self._receive(timeout_s=0.0)
            if message and "exit" in message:
                self._exit_code = message["exit"]
        return self._exit_code is not None or self._guard.poll() is not None

    def failure(self) -> EngineError:
        """Returns why Java has ended."""
        if self._exit_code is None:
            return EngineError(f"the engine's guard (process {self._guard.pid}) was killed", hint="start it again")
        return startup_error(self._paths, self._exit_code, ports=(self.ports.bolt, self.ports.http))

    def wait_until_ready(self) -> str:
        """Waits until a query over Bolt is answered, GDS is there and Neo4j Browser's port is open.

        Returns:
            The version of GDS.

        Raises:
            EngineError: Java ended, GDS is missing, or the start timeout ran out.
        """
        deadline = time.monotonic() + self._settings.start_timeout_s
        import neo4j  # a third of a second, while Java starts

        self._wait_for_port(self.ports.bolt, deadline)
        version = self._query_gds(neo4j, deadline)
        self._wait_for_port(self.ports.http, deadline)
        return version

    def detach(self) -> None:
        """Lets the engine outlive this process.

        Raises:
            EngineError: The guard did not confirm it.
        """
        self._input.write(b"detach\n")
        self._input.flush()
        message = self._receive(timeout_s=10.0)
        if not message or not message.get("detached"):
            self.stop()
            raise EngineError("the engine could not be detached from this process", hint="start it again")
        self._input.close()
        self._output.close()
        _detached[self._guard.pid] = self._guard

    def stop(self) -> None:
        """Stops Java cleanly, or kills it after the stop timeout; returns when it and the guard have ended."""
        with contextlib.suppress(OSError):  # a guard that has ended cannot be written to
            self._input.close()
        try:
            self._guard.wait(self._settings.stop_timeout_s + _GUARD_GRACE_S)
        except subprocess.TimeoutExpired:
            self._guard.kill()
            self._guard.wait()
        self._output.close()
        self._end_orphan()

    def _end_orphan(self) -> None:
        """Waits for a Java whose guard was killed, and kills it where no signal of the kernel ended it."""
        deadline = time.monotonic() + self._settings.stop_timeout_s
        while self._birth and process_birth(self.pid) == self._birth:
            if time.monotonic() > deadline:
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(_POLL_S)

    def _wait_for_port(self, port: int, deadline: float) -> None:
        while not accepts_connections(port):
            self._check_start(deadline)

    def _query_gds(self, neo4j: Any, deadline: float) -> str:
        """Asks for the GDS version until the database is up."""
        auth = (USER, self.password)
        # No retries by the driver: between two attempts it is looked whether Java still lives.
        with neo4j.GraphDatabase.driver(self.address.bolt_url, auth=auth, max_transaction_retry_time=0.0) as driver:
            while True:
                try:
                    records, _, _ = driver.execute_query(
                        "RETURN 1 AS one, gds.version() AS gds", database_=DATABASE, routing_="r"
                    )
                except neo4j.exceptions.AuthError as error:
                    raise EngineError(
                        f"the engine does not accept the password in {self._paths.password}",
                        hint=f"put back the password that belongs to the database in {self._paths.root}",
                    ) from error
                except neo4j.exceptions.ClientError as error:
                    raise EngineError(
                        f"the engine runs without the Graph Data Science library: {error.message}",
                        hint=f"remove {self._settings.jars} and start again: the jars are then fetched anew",
                    ) from error
                except (neo4j.exceptions.Neo4jError, neo4j.exceptions.DriverError):
                    self._check_start(deadline)
                else:
                    return str(records[0]["gds"])

    def _check_start(self, deadline: float) -> None:
        """Waits a moment; raises when Java has ended or time is up."""
        if self.has_ended():
            raise self.failure()
        if time.monotonic() > deadline:
            raise EngineError(
                f"the engine did not answer within {self._settings.start_timeout_s:g} s; its last lines:\n"
                f"{last_lines(console_tail(self._paths.console), 4)}",
                hint="allow more time (start_timeout_s), or see what else keeps this machine busy",
            )
        time.sleep(_POLL_S)

    def _send(self, message: dict[str, Any]) -> None:
        self._input.write(json.dumps(message).encode() + b"\n")
        self._input.flush()

    def _receive(self, *, timeout_s: float) -> dict[str, Any] | None:
        """Returns the guard's next message, or None when there is none within the time or the guard has ended."""
        deadline = time.monotonic() + timeout_s
        descriptor = self._output.fileno()
        while b"\n" not in self._unread:
            ready, _, _ = select.select([descriptor], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                return None
            block = os.read(descriptor, 4096)
            if not block:
                return None
            self._unread += block
        line, _, self._unread = self._unread.partition(b"\n")
        message: dict[str, Any] = json.loads(line)
        return message


# Guards that were told to outlive this process: kept so that they are reaped if they end before it does.
_detached: dict[int, "subprocess.Popen[bytes]"] = {}


def reap_detached() -> None:
    """Takes note of guards started by this process that have ended, so that they do not stay as zombies."""
    for pid, guard in list(_detached.items()):
        if guard.poll() is not None:
            del _detached[pid]


def java_command(settings: EngineSettings, java: JavaRuntime, jars: EngineJars, options: Sequence[str]) -> list[str]:
    """Returns the command that runs the server in the foreground."""
    return [
        str(java.executable),
        *java_options(settings),
        *options,
        "-cp",
        jars.class_path,
        _MAIN_CLASS,
        f"--home-dir={settings.paths.root}",
        f"--config-dir={settings.paths.config}",
        "--console-mode",
    ]


def prepare_home(settings: EngineSettings, jars: EngineJars, ports: Ports) -> str:
    """Makes the engine's folders, password and configuration; returns the password.

    Raises:
        EngineError: There is a store without its password, or a folder cannot be written.
    """
    paths: EnginePaths = settings.paths
    try:
        make_private(paths.root)
        for folder in (paths.config, paths.console.parent):
            folder.mkdir(exist_ok=True)
        password = ensure_password(paths)
        text = config_text(settings, bolt_port=ports.bolt, http_port=ports.http, plugins=jars.plugins, lib=jars.lib)
        write_bytes_atomically(paths.config / "neo4j.conf", text.encode(), mode=0o600)
        if paths.console.exists():
            shutil.move(paths.console, paths.console.with_suffix(".log.1"))
    except OSError as error:
        raise EngineError(
            f"the engine's folder {paths.root} cannot be prepared ({error})",
            hint="free some disk space, mend its permissions, or use another data folder (ARETE_HOME)",
        ) from error
    return password
