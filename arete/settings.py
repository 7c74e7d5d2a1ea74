"""Settings: command-line options, then `ARETE_*` environment variables, then a TOML file, then the defaults here.

The TOML file is the one that `ARETE_CONFIG` names, else `arete.toml` in the current folder, else
`~/.config/arete/arete.toml`. A name that no setting has is an error, wherever it stands, so that a typing mistake never
falls back to a default in silence.
"""

import difflib
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from arete_core.errors import SettingError

PREFIX = "ARETE_"
_NOT_SETTINGS = frozenset({"ARETE_CONFIG", "ARETE_ENGINE_CACHE", "ARETE_SHARED_DATA", "ARETE_URL"})
"""Variables with our prefix that the settings file, the test suite and the build read themselves."""


_SECRETS = frozenset({"token", "neo4j_password"})
"""Settings whose value stands in no message."""


def default_home() -> Path:
    """Returns the data folder that the system's conventions suggest: `$XDG_DATA_HOME/arete`, else `~/.local/share`."""
    base = os.environ.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / "arete"


def _split_commas(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


class Settings(BaseModel):
    """All settings.

    Attributes:
        home: Data folder: the engine's jars and store, the demo, its run.
        host: Address that `arete serve` listens on.
        port: Port that `arete serve` listens on; 0 takes a free one.
        allowed_hosts: Further names that a browser may use for the service, commas between, for instance behind a
            proxy; those of this machine's loopback and `host` itself always work.
        token: What a request that changes something must carry; empty makes a new one at every start.
        token_file: File that holds it instead, as secret stores mount it.
        read_only: Serve without mutations, over a database that takes no writes.
        operations: `any` answers every GraphQL document, `viewer` those that the viewer sends and no other.
        introspection: Answer questions about the schema itself.
        warm_up: Once the service has started, ask it what the viewer asks, in the background, so that people find it
            quick.
        log_format: `text` for people, `json` for machines, one object a line.
        access_log: Log one line a request; `json` does so always.
        neo4j_url: An own server, `bolt://`, `neo4j://` or `neo4j+s://`; empty means the embedded engine.
        neo4j_user: User of the own server.
        neo4j_password: Password of the own server.
        neo4j_password_file: File that holds it instead, as secret stores mount it.
        neo4j_database: Database on the own server.
        bolt_port: Bolt port of the embedded engine; 0 takes a free one.
        http_port: Port of Neo4j Browser; 0 takes a free one.
        heap_mb: Java heap of the embedded engine, in MiB; 0 chooses by this machine's memory.
        page_cache_mb: Its page cache, in MiB; 0 chooses by this machine's memory.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    home: Path = Field(default_factory=default_home)
    host: str = "127.0.0.1"
    port: int = Field(default=8700, ge=0, le=65535)
    allowed_hosts: Annotated[list[str], BeforeValidator(_split_commas)] = Field(default_factory=list)
    token: SecretStr = SecretStr("")
    token_file: Path | None = None
    read_only: bool = False
    operations: Literal["any", "viewer"] = "any"
    introspection: bool = True
    warm_up: bool = True
    log_format: Literal["text", "json"] = "text"
    access_log: bool = False
    neo4j_url: str = ""
    neo4j_user: str = "neo4j"
    neo4j_password: SecretStr = SecretStr("")
    neo4j_password_file: Path | None = None
    neo4j_database: str = "neo4j"
    bolt_port: int = Field(default=0, ge=0, le=65535)
    http_port: int = Field(default=0, ge=0, le=65535)
    heap_mb: int = Field(default=0, ge=0)
    page_cache_mb: int = Field(default=0, ge=0)

    def password(self) -> str:
        """Reads the own server's password, from the file where one is named.

        Returns:
            The password, empty where none is set.

        Raises:
            SettingError: If the file cannot be read.
        """
        return _secret(self.neo4j_password, self.neo4j_password_file, "neo4j_password_file")

    def given_token(self) -> str:
        """Reads the token, from the file where one is named.

        Returns:
            The token, empty where none is set.

        Raises:
            SettingError: If the file cannot be read.
        """
        return _secret(self.token, self.token_file, "token_file")


def _secret(value: SecretStr, file: Path | None, name: str) -> str:
    if file is None:
        return value.get_secret_value()
    try:
        return file.read_text().strip()
    except OSError as error:
        raise SettingError(f"{name} {file}: {error.strerror}") from error


def load_settings(**options: Any) -> Settings:
    """Reads the settings from options, environment and file.

    Args:
        **options: Settings given on the command line; None stands for "not given".

    Returns:
        The settings, checked.

    Raises:
        SettingError: If a name or value cannot work; says where it stands.
    """
    values: dict[str, Any] = {}
    origin: dict[str, str] = {}
    path = _config_file()
    if path is not None:
        for name, value in _read_toml(path).items():
            values[_known(name, str(path))] = value
            origin[name] = f"{name} in {path}"
    for variable, value in os.environ.items():
        if variable.startswith(PREFIX) and variable not in _NOT_SETTINGS:
            name = _known(variable.removeprefix(PREFIX).lower(), variable)
            values[name] = value
            origin[name] = variable
    for name, value in options.items():
        if value is not None:
            values[name] = value
            origin[name] = "--" + name.replace("_", "-")
    try:
        settings = Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0])
        found = "" if name in _SECRETS else f", found {first['input']!r}"
        raise SettingError(f"{origin.get(name, name)}: {first['msg']}{found}") from (
            None if name in _SECRETS else error
        )
    return settings.model_copy(update={"home": settings.home.expanduser().absolute()})


def _config_file() -> Path | None:
    named = os.environ.get("ARETE_CONFIG")
    if named:
        return Path(named)
    user_config = os.environ.get("XDG_CONFIG_HOME")
    base = Path(user_config) if user_config else Path.home() / ".config"
    return next((path for path in (Path("arete.toml"), base / "arete" / "arete.toml") if path.is_file()), None)


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SettingError(f"settings file {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingError(f"settings file {path} is no TOML: {error}") from error


def _known(name: str, where: str) -> str:
    if name in Settings.model_fields:
        return name
    near = difflib.get_close_matches(name, Settings.model_fields, n=1)
    raise SettingError(
        f"{where}: there is no setting {name!r}",
        hint=f"did you mean {near[0]!r}?" if near else "known are " + ", ".join(sorted(Settings.model_fields)),
    )
