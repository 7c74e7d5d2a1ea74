"""The files for containers against the code: names, ports, paths and versions that must agree.

There is no container engine where Arête is developed: what can be checked without one is checked here.
"""

import json
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from arete.cli import app
from arete.settings import PREFIX, Settings
from arete_queries.engine.config import EngineSettings, config_text

ROOT = Path(__file__).parents[3]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))

# The members of a service in the Compose specification that are used here, and the types that they may have.
MEMBERS: dict[str, type | tuple[type, ...]] = {
    "build": dict, "cap_drop": list, "depends_on": dict, "deploy": dict, "entrypoint": list, "environment": dict,
    "expose": list, "healthcheck": dict, "image": str, "ports": list, "profiles": list, "read_only": bool,
    "restart": str, "secrets": list, "security_opt": list, "shm_size": str, "tmpfs": list, "volumes": list,
}  # fmt: skip


def instructions(dockerfile: Path) -> list[tuple[str, str]]:
    """Reads a Dockerfile: its instructions with what stands behind them, lines joined."""
    text = re.sub(r"(?m)^\s*#.*\n", "", dockerfile.read_text())
    text = re.sub(r"\\\n\s*", "", text)
    return [(line.split(None, 1)[0], line.split(None, 1)[1]) for line in text.splitlines() if line.strip()]


def final_stage(dockerfile: Path) -> list[tuple[str, str]]:
    found = instructions(dockerfile)
    start = max(place for place, (name, _) in enumerate(found) if name == "FROM")
    return found[start:]


def environment_of(dockerfile: Path) -> dict[str, str]:
    pairs = [shlex.split(text) for name, text in final_stage(dockerfile) if name == "ENV"]
    return dict(pair.split("=", 1) for line in pairs for pair in line)


def test_compose_holds_what_compose_knows() -> None:
    assert COMPOSE.keys() <= {"name", "services", "volumes", "secrets", "x-database"}
    assert set(SERVICES) == {"neo4j", "arete", "load", "ingest"}
    for name, service in SERVICES.items():
        for member, value in service.items():
            assert isinstance(value, MEMBERS[member]), (name, member)
        for value in service.get("environment", {}).values():
            assert isinstance(value, str), (name, value)  # a bare `true` is no string to Compose
        assert set(service.get("depends_on", {})) <= set(SERVICES)
        assert set(service.get("secrets", [])) <= set(COMPOSE["secrets"])
        named = {volume.split(":")[0] for volume in service.get("volumes", []) if not volume.startswith((".", "/"))}
        assert named <= set(COMPOSE["volumes"])


def test_every_setting_that_is_given_is_one() -> None:
    given = [name for service in SERVICES.values() for name in service.get("environment", {})]
    given += [name for dockerfile in DOCKERFILES for name in environment_of(dockerfile)]
    ours = {name for name in given if name.startswith(PREFIX)}
    assert {"ARETE_NEO4J_URL", "ARETE_TOKEN_FILE", "ARETE_HOME", "ARETE_HOST"} <= ours
    assert {name.removeprefix(PREFIX).lower() for name in ours} <= Settings.model_fields.keys()
    # With the values that Compose fills in where nobody says otherwise, they are settings that work.
    values = {
        name.removeprefix(PREFIX).lower(): re.sub(r"\$\{\w+:-(.*)\}", r"\1", value)
        for name, value in (environment_of(ROOT / "docker/api.Dockerfile") | SERVICES["arete"]["environment"]).items()
        if name.startswith(PREFIX)
    }
    settings = Settings.model_validate(values)
    assert settings.allowed_hosts == []
    assert settings.read_only is False
    assert settings.operations == "any"


def test_secrets_are_read_where_they_are_mounted() -> None:
    for name, service in SERVICES.items():
        files = [value for key, value in service.get("environment", {}).items() if key.endswith("_FILE")]
        assert {Path(file).name for file in files} == set(service.get("secrets", [])), name
        assert all(file.startswith("/run/secrets/") for file in files)
    for secret in COMPOSE["secrets"].values():
        assert secret["file"].startswith("./secrets/")
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "secrets" in (ROOT / ".dockerignore").read_text().splitlines()
    text = (ROOT / "docker-compose.yml").read_text()
    assert not re.search(r"(?i)(password|token|auth): *[^/\s]", text.replace("secrets/", "/"))


def test_ports_are_the_services_own() -> None:
    port = Settings.model_fields["port"].default
    # Published on the loopback address alone, as outside of containers.
    assert SERVICES["arete"]["ports"] == [f"127.0.0.1:{port}:{port}"]
    api = dict(final_stage(ROOT / "docker/api.Dockerfile"))
    assert api["EXPOSE"] == str(port) == environment_of(ROOT / "docker/api.Dockerfile")["ARETE_PORT"]
    assert f"http://127.0.0.1:{port}/healthz" in api["HEALTHCHECK"]
    assert "/healthz" in (ROOT / "graphql/arete_graphql/app.py").read_text()
    url = SERVICES["arete"]["environment"]["ARETE_NEO4J_URL"]
    host, _, bolt = url.removeprefix("bolt://").partition(":")
    assert host in SERVICES
    assert SERVICES[host]["expose"] == [bolt]
    assert "ports" not in SERVICES["neo4j"]


def test_commands_exist_and_know_their_options() -> None:
    commands: Any = get_command(app)
    for name, service in SERVICES.items():
        if service.get("entrypoint"):
            program, command = service["entrypoint"]
            assert program == "arete", name
            assert command in commands.commands
    for dockerfile in DOCKERFILES:
        stage = dict(final_stage(dockerfile))
        assert json.loads(stage["ENTRYPOINT"]) == ["arete"]
        command, *options = json.loads(stage["CMD"])
        known = {option for parameter in commands.commands[command].params for option in parameter.opts}
        assert set(options) <= known | {"--help"}


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: path.name)
def test_images_are_pinned_and_run_as_nobody_in_particular(dockerfile: Path) -> None:
    found = instructions(dockerfile)
    bases = [text.split()[0] for name, text in found if name == "FROM"]
    assert all(re.fullmatch(r"[a-z]+:\d+\.\d+\.\d+-[a-z-]+", base) for base in bases), bases
    stage = final_stage(dockerfile)
    (user,) = [text for name, text in stage if name == "USER"]
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)
    assert f"--uid {user.split(':')[0]} " in next(text for name, text in stage if name == "RUN")
    # Nothing is done as root after that, and whether it is well is said, or said to be nobody's business.
    names = [name for name, _ in stage]
    assert "RUN" not in names[names.index("USER") :]
    assert "HEALTHCHECK" in names
    # Whatever is copied is there; requirements have hashes.
    for name, text in found:
        if name == "COPY" and "--from" not in text and "web" not in text.split()[0]:
            for source in text.split()[:-1]:
                assert (ROOT / source).exists(), source
        for installed in re.findall(r"pip install [^&]*", text):
            assert "--require-hashes" in installed or "--no-deps /tmp/wheel/" in installed
    for version in re.findall(r"python:(\d+\.\d+)", " ".join(bases)):
        assert f'requires-python = ">={version}"' in (ROOT / "pyproject.toml").read_text()


def test_compose_builds_these_files_and_pins_the_rest() -> None:
    built = {service["build"]["dockerfile"] for service in SERVICES.values() if "build" in service}
    assert built == {path.relative_to(ROOT).as_posix() for path in DOCKERFILES}
    version = re.search(r"<neo4j\.version>([\d.]+)</neo4j\.version>", (ROOT / "pom.xml").read_text())
    assert version
    # The database in a container is the one that is embedded otherwise, and that all tests run on.
    assert SERVICES["neo4j"]["image"] == f"neo4j:{version[1]}-community"


def test_the_api_has_no_torch_and_everything_has_one_version() -> None:
    def versions(name: str) -> dict[str, str]:
        text = (ROOT / "requirements" / name).read_text()
        return dict(re.findall(r"(?m)^([a-z0-9._-]+)==([^\s;]+)", text))

    everything = versions("dev.txt")
    api, ingest, build = versions("api.txt"), versions("ingest.txt"), versions("build.txt")
    assert {"strawberry-graphql", "neo4j", "uvicorn", "prometheus-client"} <= api.keys() <= ingest.keys()
    assert not any(name.startswith(("torch", "nvidia", "triton", "pytest", "schemathesis")) for name in api)
    assert {"torch", "torchvision"} <= ingest.keys()
    for name in ("api.txt", "ingest.txt", "build.txt"):
        assert "http" not in (ROOT / "requirements" / name).read_text()
    for part in (api, ingest, build):
        assert {name: version for name, version in part.items() if everything.get(name, version) != version} == {}


def test_the_database_is_told_what_the_embedded_one_is_told() -> None:
    """Names as the official image takes them: `.` is `_`, and `_` is `__`."""
    text = config_text(EngineSettings(home=Path("/x")), bolt_port=1, http_port=2, plugins=Path("/p"), lib=Path("/l"))
    embedded = dict(line.split("=", 1) for line in text.splitlines() if "=" in line and not line.startswith("#"))
    given = {
        name.removeprefix("NEO4J_").replace("__", "\0").replace("_", ".").replace("\0", "_"): value
        for name, value in SERVICES["neo4j"]["environment"].items()
        if name not in ("NEO4J_AUTH_FILE", "NEO4J_PLUGINS")
    }
    memory = {"server.memory.heap.initial_size", "server.memory.heap.max_size", "server.memory.pagecache.size"}
    assert memory <= given.keys()
    for name, value in given.items():
        if name not in memory:
            assert embedded[name] == value, name
    safety = {name for name in embedded if name.startswith("dbms.security.") and "http" not in name}
    assert safety - {"dbms.security.auth_enabled"} <= given.keys()  # the image has it on
