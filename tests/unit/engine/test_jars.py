"""Fetching the jars: once, whole or not at all, and with Maven's own reason when it fails.

A shell script stands in for Maven, so that it can be made to fail and its calls can be counted; the real one fetches
the jars of the integration tests.
"""

import shutil
import threading
import zipfile
from pathlib import Path

import pytest

from arete_core.errors import MavenError
from arete_core.progress import SilentProgress
from arete_queries.engine.jars import (
    EngineJars,
    installed_jars,
    jars_version,
    maven_reason,
    pom_file,
    resolve_jars,
)
from arete_queries.engine.java import JavaRuntime

JAVA = JavaRuntime(Path("/opt/java/bin/java"), "21.0.1", "PATH")

# What Maven 3.8.7 printed for a host that does not exist.
NO_NETWORK = """\
[INFO] Scanning for projects...
[INFO] BUILD FAILURE
[ERROR] Plugin org.apache.maven.plugins:maven-dependency-plugin:3.8.1 or one of its dependencies could not be \
resolved: Failed to read artifact descriptor: Unknown host repo.example: Name or service not known -> [Help 1]
[ERROR] 
[ERROR] To see the full stack trace of the errors, re-run Maven with the -e switch.
[ERROR] Re-run Maven using the -X switch to enable full debug logging.
[ERROR] 
[ERROR] For more information about the errors and possible solutions, please read the following articles:
[ERROR] [Help 1] http://cwiki.apache.org/confluence/display/MAVEN/PluginResolutionException
"""  # noqa: W291


@pytest.fixture
def maven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on PATH for an `mvn` that a test writes; every run of it adds a line to `calls`."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    jar = tmp_path / "some.jar"
    with zipfile.ZipFile(jar, "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nCreated-By: test\n")
    with zipfile.ZipFile(tmp_path / "linked.jar", "w") as archive:
        archive.writestr("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\nClass-Path: other.jar\n")
    write_maven(folder, copies(tmp_path))
    return folder


def copies(tmp_path: Path, *, sleep_s: float = 0.0) -> str:
    return f"""
for last; do :; done
to="${{last#-Darete.jars=}}"
mkdir "$to/plugins" "$to/lib"
echo "[INFO] Downloaded from central: https://repo.example/a.jar"
cp {tmp_path}/some.jar "$to/plugins/proc.jar"
sleep {sleep_s}
cp {tmp_path}/some.jar "$to/lib/neo4j.jar"
cp {tmp_path}/linked.jar "$to/lib/linked.jar"
"""


def write_maven(folder: Path, script: str) -> None:
    program = folder / "mvn"
    program.write_text(f"#!/bin/sh\necho called >> {folder}/calls\n{script}")
    program.chmod(0o755)


def calls(maven: Path) -> int:
    return len((maven / "calls").read_text().splitlines()) if (maven / "calls").exists() else 0


def test_jars_are_fetched_once(maven: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    jars = resolve_jars(cache, JAVA)
    assert jars == EngineJars(cache / jars_version(pom_file())) == installed_jars(cache)
    assert (jars.plugins / "proc.jar").is_file()
    assert (jars.lib / "neo4j.jar").is_file()
    assert resolve_jars(cache, JAVA) == jars
    assert calls(maven) == 1


def test_jars_that_name_others_are_set_apart_and_stay_on_the_class_path(maven: Path, tmp_path: Path) -> None:
    jars = resolve_jars(tmp_path / "cache", JAVA)
    assert not (jars.lib / "linked.jar").exists()
    assert (jars.folder / "apart" / "linked.jar").is_file()
    assert jars.class_path.split(":") == [f"{jars.folder}/{part}/*" for part in ("plugins", "lib", "apart")]


@pytest.mark.parametrize("damage", ["missing", "short", "unlisted", "no list"])
def test_a_folder_that_is_not_whole_is_fetched_again(maven: Path, tmp_path: Path, damage: str) -> None:
    cache = tmp_path / "cache"
    jars = resolve_jars(cache, JAVA)
    if damage == "missing":
        (jars.lib / "neo4j.jar").unlink()
    elif damage == "short":
        (jars.lib / "neo4j.jar").write_bytes(b"PK")
    elif damage == "unlisted":
        (jars.lib / "another-version.jar").write_bytes(b"PK")
    else:
        (jars.folder / "contents.json").unlink()
    assert installed_jars(cache) is None
    resolve_jars(cache, JAVA)
    assert calls(maven) == 2
    assert sorted(jar.name for jar in jars.lib.iterdir()) == ["neo4j.jar"]


def test_what_a_killed_fetch_left_is_removed(maven: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    leftover = cache / ".0123.part" / "lib"
    leftover.mkdir(parents=True)
    resolve_jars(cache, JAVA)
    assert [folder.name for folder in cache.iterdir() if folder.is_dir()] == [jars_version(pom_file())]


def test_callers_at_the_same_time_share_one_fetch(maven: Path, tmp_path: Path) -> None:
    write_maven(maven, copies(tmp_path, sleep_s=0.5))
    found: list[EngineJars] = []
    threads = [threading.Thread(target=lambda: found.append(resolve_jars(tmp_path / "cache", JAVA))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
    assert calls(maven) == 1


def test_no_maven_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("MAVEN_HOME", raising=False)
    with pytest.raises(MavenError, match="was not found") as caught:
        resolve_jars(tmp_path / "cache", JAVA)
    assert "apt install maven" in caught.value.hint


def test_maven_home_is_used_where_path_has_none(maven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = tmp_path / "maven-home"
    shutil.move(maven, home / "bin")
    write_maven(home / "bin", copies(tmp_path))
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    if shutil.which("mvn"):
        monkeypatch.setattr("arete_queries.engine.jars.shutil.which", lambda name: None)
    monkeypatch.setenv("MAVEN_HOME", str(home))
    resolve_jars(tmp_path / "cache", JAVA)
    assert calls(home / "bin") == 1


def test_a_failing_maven_is_quoted_and_leaves_nothing(maven: Path, tmp_path: Path) -> None:
    write_maven(maven, f"cat <<'END'\n{NO_NETWORK}END\nexit 1\n")
    cache = tmp_path / "cache"
    with pytest.raises(MavenError) as caught:
        resolve_jars(cache, JAVA)
    assert "exit code 1" in caught.value.message
    assert "Unknown host repo.example" in caught.value.message
    assert "Re-run Maven" not in caught.value.message
    assert "cwiki" not in caught.value.message
    assert [file.name for file in cache.iterdir()] == [".lock"]


def test_a_maven_that_copies_nothing_is_no_success(maven: Path, tmp_path: Path) -> None:
    write_maven(maven, "exit 0\n")
    with pytest.raises(MavenError, match="copied no jars"):
        resolve_jars(tmp_path / "cache", JAVA)


def test_maven_gets_the_java_that_was_found_where_there_is_no_other(
    maven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_maven(maven, f'echo "$JAVA_HOME" > {tmp_path}/java-home\n' + copies(tmp_path))
    monkeypatch.delenv("JAVA_HOME", raising=False)
    real = shutil.which
    monkeypatch.setattr("arete_queries.engine.jars.shutil.which", lambda name: None if name == "java" else real(name))
    resolve_jars(tmp_path / "cache", JAVA, SilentProgress())
    assert (tmp_path / "java-home").read_text() == "/opt/java\n"


def test_the_reason_is_the_tail_when_maven_names_no_error() -> None:
    assert maven_reason(["a", "", "java: not found"]) == "a\njava: not found"


def test_the_pom_names_exact_versions_and_no_repository() -> None:
    text = pom_file().read_text(encoding="utf-8")
    assert "<repositor" not in text
    assert "<url>" not in text
    for pinned in ("5.26.31", "2.13.9", "5.24.0", "3.8.1", "6.6.2", "1.5.0"):
        assert f">{pinned}</" in text
