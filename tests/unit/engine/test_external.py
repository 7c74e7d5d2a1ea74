"""Servers that Arête did not start: what is refused before, and when, nothing answers."""

import pytest

from arete_core.errors import CapabilityError, DatabaseUnavailableError, SettingError
from arete_queries.engine import ServerReport, check_external
from arete_queries.engine.host import listen_once


@pytest.mark.parametrize("url", ["", "localhost:7687", "http://localhost:7474", "bolt://", "postgres://h/db"])
def test_what_is_no_url_of_neo4j_is_refused(url: str) -> None:
    with pytest.raises(SettingError, match="expected one of bolt://"):
        check_external(url, "neo4j", "word")


def test_a_password_in_the_url_is_refused_without_repeating_it() -> None:
    with pytest.raises(SettingError) as caught:
        check_external("bolt://neo4j:secret-word@localhost:7687", "neo4j", "word")
    assert "secret-word" not in caught.value.message + caught.value.hint


@pytest.mark.parametrize("scheme", ["bolt", "neo4j"])
def test_nothing_listens(scheme: str) -> None:
    probe = listen_once(0)
    port = probe.getsockname()[1]
    probe.close()
    with pytest.raises(DatabaseUnavailableError, match=f"nothing answers as Neo4j at {scheme}://127.0.0.1:{port}"):
        check_external(f"{scheme}://127.0.0.1:{port}", "neo4j", "word")


def test_a_server_without_gds_says_what_still_works() -> None:
    report = ServerReport("bolt://db", "5.26.31", "community", None)
    with pytest.raises(CapabilityError, match="stored ranks are served") as caught:
        report.require_gds()
    assert "GDS plugin" in caught.value.hint
    ServerReport("bolt://db", "5.26.31", "community", "2.13.9").require_gds()
