"""The service on a real port: says when it listens, refuses a taken port, stops on a signal."""

import os
import signal
import socket
import subprocess
import sys
import textwrap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from arete_core.errors import DatabaseUnavailableError, PortInUseError, SettingError
from arete_graphql.server import ApiServer
from arete_graphql.settings import ApiSettings


async def no_database() -> Any:
    raise DatabaseUnavailableError("nothing answers", hint="start it")


@contextmanager
def running(settings: ApiSettings) -> Iterator[str]:
    """Runs the service in a thread; gives the address that it reported."""
    heard: list[str] = []
    listening = threading.Event()

    def note(url: str) -> None:
        heard.append(url)
        listening.set()

    server = ApiServer(settings, no_database, on_listening=note)
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert listening.wait(10)
        yield heard[0]
    finally:
        server.stop()
        thread.join(10)
    assert not thread.is_alive()


def test_it_says_where_it_listens_and_answers_from_then_on(tmp_path: Path) -> None:
    with running(ApiSettings(port=0, viewer=tmp_path)) as url:
        assert url.startswith("http://127.0.0.1:")
        answer = httpx.get(url + "healthz")
        assert answer.json() == {"status": "alive"}
        assert "server" not in answer.headers
    with pytest.raises(httpx.ConnectError):
        httpx.get(url + "healthz")


def test_a_taken_port_is_refused_before_anything_starts() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        with pytest.raises(PortInUseError) as refused:
            ApiServer(ApiSettings(port=port), no_database)
    assert str(port) in refused.value.message
    assert "--port" in refused.value.hint


def test_two_services_never_share_a_port() -> None:
    first = ApiServer(ApiSettings(port=0), no_database)
    port = int(first.url.rstrip("/").rpartition(":")[2])
    with pytest.raises(PortInUseError):
        ApiServer(ApiSettings(port=port), no_database)
    first.close()
    ApiServer(ApiSettings(port=port), no_database).close()


@pytest.mark.parametrize("host", ["no.such.host.invalid", "192.0.2.1", "x" * 300])
def test_an_address_of_another_machine_is_a_wrong_setting(host: str) -> None:
    with pytest.raises(SettingError) as refused:
        ApiServer(ApiSettings(host=host, port=0), no_database)
    assert host in refused.value.message


def test_loopback_alone_is_listened_on_by_default() -> None:
    server = ApiServer(ApiSettings(port=0), no_database)
    address = server.address
    server.close()
    assert address[0] == "127.0.0.1"


def raw_status(url: str, target: str) -> int:
    """Asks for exactly this target, which no client library would send."""
    host, _, port = url.removeprefix("http://").rstrip("/").partition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        return int(connection.makefile("rb").readline().split()[1])


def test_no_raw_target_leaves_the_viewer(tmp_path: Path) -> None:
    (tmp_path / "secret.txt").write_text("secret")
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "index.html").write_text("page")
    (dist / "file.txt").write_text("file")
    with running(ApiSettings(port=0, viewer=dist)) as url:
        assert raw_status(url, "/file.txt") == 200
        for target in (
            "/../secret.txt",
            "/%2e%2e/secret.txt",
            "/x/../../secret.txt",
            "/..%2fsecret.txt",
            "/%2e%2e%2fsecret.txt",
            "//secret.txt",
            f"/{tmp_path}/secret.txt",
            "/images/../../secret.txt",
            "/images/demo/examples/../../../secret.txt",
            "/images/demo/examples/%2e%2e%2f%2e%2e%2fsecret.txt",
            "/secret.txt%00",
        ):
            assert raw_status(url, target) == 404, target


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_stops_it_and_its_caller_goes_on(number: signal.Signals) -> None:
    program = textwrap.dedent("""
        from arete_core.errors import DatabaseUnavailableError
        from arete_graphql.server import serve
        from arete_graphql.settings import ApiSettings

        async def no_database():
            raise DatabaseUnavailableError("nothing answers")

        try:
            serve(ApiSettings(port=0), no_database, on_listening=lambda url: print(url, flush=True))
        finally:
            print("house in order", flush=True)
    """)
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, env={**os.environ}
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with httpx.Client() as http:  # a connection that is kept alive must not hold it up
            assert http.get(url + "healthz").status_code == 200
            process.send_signal(number)
            rest, _ = process.communicate(timeout=15)
    assert rest == "house in order\n"
    assert process.returncode == 0
