"""Settings, memory, and the text of neo4j.conf."""

from pathlib import Path

import pytest

from arete_core.errors import EngineMemoryError, SettingError
from arete_queries.engine import EngineAddress, EngineSettings
from arete_queries.engine.config import EngineMemory, config_text, java_options


def parsed(settings: EngineSettings) -> dict[str, str]:
    text = config_text(settings, bolt_port=7001, http_port=7002, plugins=Path("/jars/plugins"), lib=Path("/jars/lib"))
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    pairs = dict(line.split("=", 1) for line in lines)
    assert len(pairs) == len(lines), "a setting is written twice"
    return pairs


def test_everything_listens_on_this_machine_only(tmp_path: Path) -> None:
    config = parsed(EngineSettings(home=tmp_path))
    assert config["server.bolt.listen_address"] == "127.0.0.1:7001"
    assert config["server.http.listen_address"] == "127.0.0.1:7002"
    assert config["server.default_listen_address"] == "127.0.0.1"
    assert config["server.https.enabled"] == "false"
    assert not [value for key, value in config.items() if "address" in key and not value.startswith("127.0.0.1")]


def test_what_must_be_off_is_off(tmp_path: Path) -> None:
    config = parsed(EngineSettings(home=tmp_path))
    assert config["dbms.security.auth_enabled"] == "true"
    assert config["dbms.security.allow_csv_import_from_file_urls"] == "false"
    assert config["dbms.usage_report.enabled"] == "false"
    assert config["dbms.security.http_access_control_allow_origin"] == "http://127.0.0.1:7002"


def test_settings_reach_the_configuration(tmp_path: Path) -> None:
    settings = EngineSettings(home=tmp_path, heap_mb=700, page_cache_mb=300, read_only=True, transaction_timeout_s=12)
    config = parsed(settings)
    assert config["server.memory.pagecache.size"] == "300m"
    assert config["server.databases.default_to_read_only"] == "true"
    assert config["db.transaction.timeout"] == "12s"
    assert "-Xmx700m" in java_options(settings)
    assert parsed(EngineSettings(home=tmp_path))["server.databases.default_to_read_only"] == "false"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"bolt_port": -1}, "bolt_port is -1"),
        ({"http_port": 65536}, "http_port is 65536"),
        ({"bolt_port": 7687, "http_port": 7687}, "both 7687"),
        ({"heap_mb": 10}, "heap_mb is 10, expected at least 256"),
        ({"page_cache_mb": 1}, "page_cache_mb is 1, expected at least 32"),
        ({"transaction_timeout_s": -1}, "transaction_timeout_s is -1"),
        ({"start_timeout_s": 0}, "start_timeout_s is 0"),
        ({"stop_timeout_s": -2.0}, "stop_timeout_s is -2"),
    ],
)
def test_values_that_cannot_work_are_refused(tmp_path: Path, values: dict[str, int], message: str) -> None:
    with pytest.raises(SettingError, match=message):
        EngineSettings(home=tmp_path, **values)  # pyright: ignore[reportArgumentType]


def test_a_relative_home_stays_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    settings = EngineSettings(home=Path("data"))
    monkeypatch.chdir("/")
    assert settings.paths.root == tmp_path / "data" / "neo4j"


def test_jars_can_be_shared_between_homes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ARETE_ENGINE_CACHE", raising=False)
    assert EngineSettings(home=tmp_path).jars == tmp_path / "engine"
    monkeypatch.setenv("ARETE_ENGINE_CACHE", str(tmp_path / "shared"))
    assert EngineSettings(home=tmp_path).jars == tmp_path / "shared"


@pytest.mark.parametrize(
    ("installed_mb", "heap_mb", "page_cache_mb"),
    [(2048, 512, 256), (8192, 1024, 1024), (16384, 2048, 2048), (131072, 4096, 8192)],
)
def test_default_memory_grows_with_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, installed_mb: int, heap_mb: int, page_cache_mb: int
) -> None:
    monkeypatch.setattr("arete_queries.engine.config.installed_memory_mb", lambda: installed_mb)
    memory = EngineSettings(home=tmp_path).memory
    assert (memory.heap_mb, memory.page_cache_mb) == (heap_mb, page_cache_mb)
    memory.check()


def test_more_memory_than_there_is_is_refused_with_the_numbers() -> None:
    EngineMemory(heap_mb=2000, page_cache_mb=1744, installed_mb=4000).check()
    with pytest.raises(EngineMemoryError, match=r"4,001 MiB \(heap 2,000, page cache 1,745.*has 4,000 MiB"):
        EngineMemory(heap_mb=2000, page_cache_mb=1745, installed_mb=4000).check()


def test_an_address_does_not_show_its_password() -> None:
    address = EngineAddress("bolt://127.0.0.1:1", "http://127.0.0.1:2", "neo4j", "secret-word", 3)
    assert "secret-word" not in repr(address)
    assert address.browser_url == "http://127.0.0.1:2/browser/"
