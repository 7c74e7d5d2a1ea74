"""Fetches the engine's jars with Maven, once for each version of `pom.xml`.

They are put into FOLDER/HASH/{plugins,lib}, HASH from the content of `pom.xml`. The folder is made beside and renamed
when it is whole, so it is never seen half full; several Arêtes that want it at once wait for the first; and a list of
names and sizes finds a folder that lost files later.
"""

import fcntl
import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from arete_core.errors import EngineError, MavenError
from arete_core.files import write_bytes_atomically
from arete_core.progress import Progress, SilentProgress
from arete_queries.engine.java import JavaRuntime

_CONTENTS = "contents.json"
_GROUPS = ("plugins", "lib", "apart")
_ERROR_LINES = 6


@dataclass(frozen=True, slots=True)
class EngineJars:
    """The engine's jars on this machine.

    Attributes:
        folder: FOLDER/HASH.
    """

    folder: Path

    @property
    def plugins(self) -> Path:
        """The GDS jars; Neo4j scans this folder for procedures."""
        return self.folder / "plugins"

    @property
    def lib(self) -> Path:
        """All other jars."""
        return self.folder / "lib"

    @property
    def class_path(self) -> str:
        """The class path of the server and of the admin tool, as `java -cp` takes it."""
        return f"{self.plugins}/*:{self.lib}/*:{self.folder}/apart/*"


def pom_file() -> Path:
    """Returns `pom.xml`: the one in the package (an installed wheel), else the one at the root of the checkout.

    Raises:
        EngineError: Neither exists; the installation is damaged.
    """
    packaged = Path(__file__).with_name("pom.xml")
    if packaged.is_file():
        return packaged
    checkout = Path(__file__).resolve().parents[3] / "pom.xml"
    if checkout.is_file():
        return checkout
    raise EngineError(
        f"pom.xml, the list of the engine's jars, is neither at {packaged} nor at {checkout}",
        hint="install arete again",
    )


def jars_version(pom: Path) -> str:
    """Returns the name of the folder that holds the jars of this `pom.xml`: 16 hex digits of its sha256."""
    return hashlib.sha256(pom.read_bytes()).hexdigest()[:16]


def installed_jars(folder: Path) -> EngineJars | None:
    """Returns the jars when all of them are there, else None. Reads sizes only: about 5 ms, no Maven.

    Args:
        folder: Where the jars of all versions are kept (`EngineSettings.jars`).
    """
    jars = EngineJars(folder / jars_version(pom_file()))
    try:
        contents = json.loads((jars.folder / _CONTENTS).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return jars if contents == _list_contents(jars.folder) else None


def resolve_jars(folder: Path, java: JavaRuntime, progress: Progress | None = None) -> EngineJars:
    """Returns the engine's jars, fetched by Maven first when they are not there yet.

    Args:
        folder: Where the jars of all versions are kept (`EngineSettings.jars`).
        java: The Java that Maven may use where the machine has none of its own.
        progress: Told about the fetching.

    Raises:
        MavenError: Maven is missing, or could not fetch; the message holds its error lines.
    """
    ready = installed_jars(folder)
    if ready:
        return ready
    progress = progress or SilentProgress()
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / ".lock", progress):
        ready = installed_jars(folder)
        if ready:
            return ready
        # Only the holder of the lock makes these, so any that is there was left by a killed process.
        for leftover in folder.glob(".*.part"):
            shutil.rmtree(leftover, ignore_errors=True)
        pom = pom_file()
        target = folder / jars_version(pom)
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=folder))
        try:
            _run_maven(pom, part, java, progress)
            _set_apart(part)
            contents = json.dumps(_list_contents(part), indent=0, sort_keys=True)
            write_bytes_atomically(part / _CONTENTS, contents.encode())
            part.chmod(0o755)  # mkdtemp's 700 would keep a shared folder from other users
            shutil.rmtree(target, ignore_errors=True)  # incomplete, or installed_jars had taken it
            part.rename(target)
        finally:
            shutil.rmtree(part, ignore_errors=True)
        return EngineJars(target)


def maven_executable() -> Path | None:
    """Returns `mvn` from PATH, else from the folder that `MAVEN_HOME` names; None when there is none."""
    on_path = shutil.which("mvn")
    if on_path:
        return Path(on_path)
    home = os.environ.get("MAVEN_HOME")
    candidate = Path(home) / "bin" / "mvn" if home else None
    return candidate if candidate and candidate.is_file() else None


def _set_apart(folder: Path) -> None:
    """Moves jars that name further jars in their manifest out of `lib`, so that these names lead nowhere.

    The jars they name are in `lib` anyway. Found a second time that way, they make Java 21 refuse the class archive
    ("APP classpath mismatch"). With Neo4j 5.26.31 it is one jar, jaxb-runtime.
    """
    apart = folder / "apart"
    apart.mkdir()
    for jar in sorted((folder / "lib").glob("*.jar")):
        with zipfile.ZipFile(jar) as archive:
            try:
                manifest = archive.read("META-INF/MANIFEST.MF")
            except KeyError:
                continue
        if b"\nClass-Path:" in manifest:
            jar.rename(apart / jar.name)


def _list_contents(folder: Path) -> dict[str, int]:
    """Returns the size in bytes of every jar, by its path inside the folder."""
    return {f"{group}/{jar.name}": jar.stat().st_size for group in _GROUPS for jar in (folder / group).glob("*.jar")}


@contextmanager
def _locked(path: Path, progress: Progress) -> Iterator[None]:
    with path.open("w", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress.say("Waiting for another Arête that is fetching the database engine")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _run_maven(pom: Path, folder: Path, java: JavaRuntime, progress: Progress) -> None:
    maven = maven_executable()
    if maven is None:
        raise MavenError(
            "Maven (mvn) was not found on PATH or in MAVEN_HOME; it fetches the database engine, once",
            hint="install it: `apt install maven`, `brew install maven` or from maven.apache.org; "
            "or set ARETE_NEO4J_URL to a Neo4j server of your own",
        )
    environment = dict(os.environ)
    if "JAVA_HOME" not in environment and shutil.which("java") is None:
        environment["JAVA_HOME"] = str(java.home)
    command = [maven, "--batch-mode", "--file", pom, "package", f"-Darete.jars={folder}"]
    output: list[str] = []
    with progress.task("Fetch the database engine", total=None, unit="files") as task:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker; PIPE was asked for
            with process.stdout:
                for line in process.stdout:
                    if "Downloaded from" in line or "Copying " in line:
                        task.advance()
                    else:
                        output.append(line.rstrip())
            code = process.wait()
        except BaseException:
            process.terminate()
            process.wait()
            raise
    if code != 0:
        raise MavenError(
            f"Maven could not fetch the database engine (exit code {code}):\n{maven_reason(output)}",
            hint="check the network and your Maven settings (~/.m2/settings.xml), then run the command again",
        )
    if not any((folder / "plugins").glob("*.jar")) or not any((folder / "lib").glob("*.jar")):
        raise MavenError(f"Maven ended well but copied no jars into {folder}", hint=f"run `mvn -f {pom} package`")


def maven_reason(output: list[str]) -> str:
    """Returns the lines of Maven's output that say what went wrong: its errors without the standing advice."""
    advice = ("[Help", "Re-run Maven", "To see the full stack trace", "For more information", "After correcting")
    errors = [line.partition("]")[2].strip() for line in output if line.startswith("[ERROR]")]
    useful = [line for line in errors if line and not line.startswith(advice)]
    chosen = list(dict.fromkeys(useful)) or [line for line in output if line.strip()][-_ERROR_LINES:]
    return "\n".join(chosen[:_ERROR_LINES])
