"""Settings: who wins, and what is refused."""

from pathlib import Path

import pytest

from arete.settings import load_settings
from arete_core.errors import SettingError


@pytest.fixture(autouse=True)
def _own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import os

    for name in list(os.environ):
        if name.startswith("ARETE_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)


def test_option_beats_environment_beats_file_beats_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().port == 8700
    (tmp_path / "arete.toml").write_text("port = 1111\nhost = '::1'\n")
    assert load_settings().port == 1111
    monkeypatch.setenv("ARETE_PORT", "2222")
    assert load_settings().port == 2222
    assert load_settings(port=3333).port == 3333
    assert load_settings(port=None).port == 2222
    assert load_settings().host == "::1"


def test_home_is_absolute_and_a_tilde_is_the_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load_settings(home=Path("~/data")).home == tmp_path / "data"
    assert load_settings(home=Path("here")).home == tmp_path / "here"


def test_user_config_file_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "config" / "arete"
    folder.mkdir(parents=True)
    (folder / "arete.toml").write_text("neo4j_url = 'bolt://db:7687'\n")
    assert load_settings().neo4j_url == "bolt://db:7687"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("prot = 1", "no setting 'prot'"),
        ("port = 70000", "port in .*less than or equal to 65535, found 70000"),
        ("port = ", "is no TOML"),
        ("port = 'many'", "valid integer"),
    ],
)
def test_a_wrong_file_is_refused_and_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "arete.toml").write_text(text)
    with pytest.raises(SettingError, match=message) as caught:
        load_settings()
    assert "arete.toml" in str(caught.value)


def test_a_wrong_environment_value_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARETE_HEAP_MB", "-3")
    with pytest.raises(SettingError, match=r"ARETE_HEAP_MB: .*found '-3'"):
        load_settings()


def test_named_config_file_must_exist(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ARETE_CONFIG", "missing.toml")
    with pytest.raises(SettingError, match=r"missing\.toml: No such file"):
        load_settings()


def test_password_from_a_file_and_never_in_text(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("pa ss\n")
    settings = load_settings(neo4j_password_file=tmp_path / "secret")
    assert settings.password() == "pa ss"
    assert "hunter2" not in repr(load_settings(neo4j_password="hunter2"))
    with pytest.raises(SettingError, match="No such file"):
        load_settings(neo4j_password_file=tmp_path / "none").password()


def test_allowed_hosts_are_a_list_in_a_file_and_commas_in_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "arete.toml").write_text("allowed_hosts = ['a.example', '*.b.example']\n")
    assert load_settings().allowed_hosts == ["a.example", "*.b.example"]
    monkeypatch.setenv("ARETE_ALLOWED_HOSTS", "c.example, d.example,")
    assert load_settings().allowed_hosts == ["c.example", "d.example"]


def test_a_secret_that_cannot_be_is_refused_without_showing_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "arete.toml").write_text("token = 1234567890123456\n")
    with pytest.raises(SettingError, match="token in") as caught:
        load_settings()
    assert "1234567890123456" not in str(caught.value)
    assert "1234567890123456" not in str(caught.value.__cause__)
    monkeypatch.setenv("ARETE_TOKEN", "secret-of-somebody")
    assert load_settings().given_token() == "secret-of-somebody"
    assert "secret-of-somebody" not in repr(load_settings())
    (tmp_path / "secret").write_text("secret-in-a-file\n")
    monkeypatch.setenv("ARETE_TOKEN_FILE", str(tmp_path / "secret"))
    assert load_settings().given_token() == "secret-in-a-file"
    monkeypatch.setenv("ARETE_TOKEN_FILE", str(tmp_path / "missing"))
    with pytest.raises(SettingError, match="token_file"):
        load_settings().given_token()
