"""What the embedded engine is told: its settings, its folders, `neo4j.conf` and the Java options.

Neo4j reads `neo4j.conf`, written anew before every start from `EngineSettings`; heap sizes are Java options, since
a server started without Neo4j's own launcher does not read them from the file.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path

from arete_core.errors import EngineMemoryError, SettingError
from arete_queries.engine.host import installed_memory_mb

LOOPBACK = "127.0.0.1"
USER = "neo4j"
DATABASE = "neo4j"
JARS_VARIABLE = "ARETE_ENGINE_CACHE"

# What the JVM needs beside heap and page cache: code, metaspace, thread stacks and network buffers. Measured: 0.5 GB
# resident right after a start with a heap of 256 MB that is a third used.
JVM_OVERHEAD_MB = 256
MIN_HEAP_MB = 256
MIN_PAGE_CACHE_MB = 32


def _jars_folder_from_environment() -> Path | None:
    value = os.environ.get(JARS_VARIABLE)
    return Path(value) if value else None


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineSettings:
    """How to run the embedded Neo4j.

    Attributes:
        home: The data folder (`ARETE_HOME`); the store is kept in `home/neo4j`.
        bolt_port: Port of the Bolt protocol on 127.0.0.1; 0 takes a free one.
        http_port: Port of Neo4j Browser on 127.0.0.1; 0 takes a free one.
        heap_mb: Largest Java heap in MiB; None takes an eighth of the memory, 512 to 4,096.
        page_cache_mb: Largest page cache in MiB; None takes an eighth of the memory, 256 to 8,192.
        read_only: Refuse every write and schema change; ranking with GDS still works.
        transaction_timeout_s: Seconds after which the server ends a transaction that set no limit of its own; 0 never.
        start_timeout_s: Seconds to wait until the engine answers.
        stop_timeout_s: Seconds that a clean stop may take before the process is killed.
        jars_folder: Where the engine's jars are kept; None for `home/engine`. `ARETE_ENGINE_CACHE` sets it
            for several homes that share one copy (330 MB with the class archive).
        java_options: Further options for Java, after Arête's own.

    Raises:
        SettingError: A value is out of range.
    """

    home: Path
    bolt_port: int = 0
    http_port: int = 0
    heap_mb: int | None = None
    page_cache_mb: int | None = None
    read_only: bool = False
    transaction_timeout_s: int = 300
    start_timeout_s: float = 180.0
    stop_timeout_s: float = 30.0
    jars_folder: Path | None = field(default_factory=_jars_folder_from_environment)
    java_options: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("bolt_port", "http_port"):
            port = getattr(self, name)
            if not 0 <= port <= 65535:
                raise SettingError(f"{name} is {port}, expected 0 (a free port) or 1 to 65535")
        if self.bolt_port and self.bolt_port == self.http_port:
            raise SettingError(f"bolt_port and http_port are both {self.bolt_port}, expected two different ports")
        for name, least in (("heap_mb", MIN_HEAP_MB), ("page_cache_mb", MIN_PAGE_CACHE_MB)):
            value = getattr(self, name)
            if value is not None and value < least:
                raise SettingError(f"{name} is {value}, expected at least {least} (MiB)")
        if self.transaction_timeout_s < 0:
            raise SettingError(f"transaction_timeout_s is {self.transaction_timeout_s}, expected 0 (never) or more")
        for name in ("start_timeout_s", "stop_timeout_s"):
            if getattr(self, name) <= 0:
                raise SettingError(f"{name} is {getattr(self, name)}, expected more than 0 seconds")
        # A relative home would mean another store after the process changes its folder.
        object.__setattr__(self, "home", self.home.expanduser().absolute())
        if self.jars_folder is not None:
            object.__setattr__(self, "jars_folder", self.jars_folder.expanduser().absolute())

    @property
    def paths(self) -> "EnginePaths":
        """The engine's files in the data folder."""
        return EnginePaths(self.home / "neo4j")

    @property
    def jars(self) -> Path:
        """The folder that holds the engine's jars, one subfolder per version of the list of jars."""
        return self.jars_folder or self.home / "engine"

    @property
    def memory(self) -> "EngineMemory":
        """Heap and page cache in MiB, with the defaults filled in from this machine's memory."""
        installed = installed_memory_mb()
        return EngineMemory(
            heap_mb=self.heap_mb or min(max(installed // 8, 512), 4096),
            page_cache_mb=self.page_cache_mb or min(max(installed // 8, 256), 8192),
            installed_mb=installed,
        )


@dataclass(frozen=True, slots=True)
class EngineMemory:
    """How much memory the engine may take, in MiB.

    Attributes:
        heap_mb: Largest Java heap.
        page_cache_mb: Largest page cache.
        installed_mb: What this machine or its container has.
    """

    heap_mb: int
    page_cache_mb: int
    installed_mb: int

    def check(self) -> None:
        """Refuses sizes that this machine cannot hold.

        Raises:
            EngineMemoryError: Heap, page cache and Java itself need more than there is.
        """
        needed = self.heap_mb + self.page_cache_mb + JVM_OVERHEAD_MB
        if needed > self.installed_mb:
            raise EngineMemoryError(
                f"the engine would need {needed:,} MiB (heap {self.heap_mb:,}, page cache {self.page_cache_mb:,}, "
                f"Java itself {JVM_OVERHEAD_MB}), but this machine has {self.installed_mb:,} MiB",
                hint="ask for a smaller heap or page cache, or leave both out to have them chosen",
            )


@dataclass(frozen=True, slots=True)
class EnginePaths:
    """The engine's files.

    Attributes:
        root: The Neo4j home: store, logs, configuration and state.
    """

    root: Path

    @property
    def config(self) -> Path:
        """Folder of `neo4j.conf`."""
        return self.root / "conf"

    @property
    def data(self) -> Path:
        """The store: databases, transaction logs and users."""
        return self.root / "data"

    @property
    def bulk(self) -> Path:
        """Where a bulk load makes a new store; it exists only while one is at work, or after it was killed."""
        return self.root / "bulk"

    @property
    def auth(self) -> Path:
        """The first user's salted hash, which Neo4j reads when it makes a new store."""
        return self.data / "dbms" / "auth.ini"

    @property
    def databases(self) -> Path:
        """Folder of the databases; it exists once the engine has run."""
        return self.data / "databases"

    @property
    def store_lock(self) -> Path:
        """The file that Neo4j itself locks while it holds the store."""
        return self.databases / "store_lock"

    @property
    def password(self) -> Path:
        """The generated password, readable by its owner only."""
        return self.root / "password"

    @property
    def lock(self) -> Path:
        """The file that Arête locks from before the start until the last of its processes has ended."""
        return self.root / "engine.lock"

    @property
    def state(self) -> Path:
        """Which process runs the engine, on which ports."""
        return self.root / "engine.json"

    @property
    def console(self) -> Path:
        """What the engine printed since its last start."""
        return self.root / "logs" / "console.log"


@dataclass(frozen=True, slots=True)
class EngineAddress:
    """Where a running engine answers.

    Attributes:
        bolt_url: For drivers: `bolt://127.0.0.1:7687`.
        http_url: For people: Neo4j Browser is at `http_url + "/browser/"`. No slash at the end.
        user: The user name.
        password: The password; left out of the representation so that no log shows it.
        pid: The Java process.
    """

    bolt_url: str
    http_url: str
    user: str
    password: str = field(repr=False)
    pid: int

    @property
    def browser_url(self) -> str:
        """The page of Neo4j Browser."""
        return f"{self.http_url}/browser/"


def config_text(settings: EngineSettings, *, bolt_port: int, http_port: int, plugins: Path, lib: Path) -> str:
    """Returns the content of `neo4j.conf`.

    Args:
        settings: The engine's settings.
        bolt_port: The port to listen on, not 0.
        http_port: The port to listen on, not 0.
        plugins: Folder of the GDS jars.
        lib: Folder of all other jars.
    """
    lines = {
        "server.directories.plugins": plugins,
        "server.directories.lib": lib,
        # Only this machine reaches it. The advertised name is the numeric one too, since `localhost` is ::1 first
        # on many systems and nothing listens there.
        "server.default_listen_address": LOOPBACK,
        "server.default_advertised_address": LOOPBACK,
        "server.bolt.listen_address": f"{LOOPBACK}:{bolt_port}",
        "server.http.listen_address": f"{LOOPBACK}:{http_port}",
        # Without these Neo4j Browser is sent to the default ports, whatever the ports listened on.
        "server.bolt.advertised_address": f"{LOOPBACK}:{bolt_port}",
        "server.http.advertised_address": f"{LOOPBACK}:{http_port}",
        "server.https.enabled": "false",
        "server.http_enabled_modules": "BROWSER",
        # Neo4j's default `*` would let any web page that the user has open read this server's answers.
        "dbms.security.http_access_control_allow_origin": f"http://{LOOPBACK}:{http_port}",
        "dbms.security.auth_enabled": "true",
        "dbms.security.allow_csv_import_from_file_urls": "false",
        "dbms.security.procedures.unrestricted": "gds.*",
        "dbms.security.procedures.allowlist": "gds.*",
        "dbms.usage_report.enabled": "false",
        "client.allow_telemetry": "false",
        "server.memory.pagecache.size": f"{settings.memory.page_cache_mb}m",
        "db.transaction.timeout": f"{settings.transaction_timeout_s}s",
        "server.databases.default_to_read_only": str(settings.read_only).lower(),
        # Transaction logs beyond what recovery needs serve backups and clusters, which Community has not; and
        # preallocated ones would take 512 MiB for an empty store (measured).
        "db.tx_log.preallocate": "false",
        "db.tx_log.rotation.retention_policy": "keep_none",
        "db.logs.query.enabled": "OFF",
        # Netty otherwise waits 2 x 5 s for silence when it stops, long after the last connection was closed and the
        # store is safe on disk: a stop takes 10.2 s with the default and 0.3 s so (measured).
        "internal.dbms.bolt.netty_server_shutdown_quiet_period": "0",
    }
    head = "# Written by Arête before every start of its embedded engine: changes made here are lost.\n"
    return head + "".join(f"{key}={value}\n" for key, value in lines.items())


def java_options(settings: EngineSettings) -> list[str]:
    """Returns the options of the Java process, without class path and main class."""
    heap_mb = settings.memory.heap_mb
    return [
        f"-Xms{min(heap_mb, 256)}m",
        f"-Xmx{heap_mb}m",
        "-XX:+UseG1GC",
        # A server that has run out of memory answers at random: end it, with a message that names the reason.
        "-XX:+ExitOnOutOfMemoryError",
        "-XX:-OmitStackTraceInFastThrow",
        "-Djdk.nio.maxCachedBufferSize=1024",
        "-Dio.netty.tryReflectionSetAccessible=true",
        "-Dlog4j2.disable.jmx=true",
        "-Dfile.encoding=UTF-8",
        "--add-opens=java.base/java.nio=ALL-UNNAMED",
        "--add-opens=java.base/java.io=ALL-UNNAMED",
        "--add-opens=java.base/sun.nio.ch=ALL-UNNAMED",
        *settings.java_options,
    ]
