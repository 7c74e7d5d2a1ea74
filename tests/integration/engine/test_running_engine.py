"""What a running engine offers and refuses, on the engine that all integration tests share."""

import sys
import urllib.error
import urllib.request
from pathlib import Path

import neo4j
import psutil
import pytest

from arete_core.errors import DatabaseError
from arete_queries.engine import EngineAddress, check_external

pytestmark = pytest.mark.integration


def test_pagerank_runs_in_the_database(clean_database: EngineAddress, engine_driver: neo4j.Driver) -> None:
    """Two channels lead to a third: on paper, with damping d, it has (1 - d)(1 + 2d) and they have 1 - d each."""
    engine_driver.execute_query(
        "CREATE (a:Channel {id: 'a'}), (b:Channel {id: 'b'}), (c:Channel {id: 'c'}), "
        "(a)-[:INFLUENCES {count: 3}]->(b), (c)-[:INFLUENCES {count: 5}]->(b)"
    )
    engine_driver.execute_query(
        "MATCH (x)-[r:INFLUENCES]->(y) "
        "RETURN gds.graph.project('ranking', x, y, {relationshipProperties: r {.count}}) AS g"
    )
    records, _, _ = engine_driver.execute_query(
        "CALL gds.pageRank.stream('ranking', {dampingFactor: 0.85, maxIterations: 200, tolerance: 1e-12, "
        "relationshipWeightProperty: 'count'}) YIELD nodeId, score "
        "RETURN gds.util.asNode(nodeId).id AS id, score ORDER BY id"
    )
    assert {record["id"]: record["score"] for record in records} == pytest.approx(
        {"a": 0.15, "b": 0.15 * (1 + 2 * 0.85), "c": 0.15}, abs=1e-9
    )


def test_no_file_of_this_machine_can_be_read(engine_driver: neo4j.Driver) -> None:
    with pytest.raises(neo4j.exceptions.ClientError, match="allow_csv_import_from_file_urls"):
        engine_driver.execute_query("LOAD CSV FROM 'file:///etc/passwd' AS line RETURN line LIMIT 1")


def test_it_listens_on_loopback_and_on_its_two_ports_only(engine: EngineAddress) -> None:
    listening = [
        (connection.laddr.ip, connection.laddr.port)
        for connection in psutil.Process(engine.pid).net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    ]
    ports = {int(url.rpartition(":")[2]) for url in (engine.bolt_url, engine.http_url)}
    assert {ip.removeprefix("::ffff:") for ip, _ in listening} == {"127.0.0.1"}
    assert {port for _, port in listening} == ports


def test_the_browser_page_answers(engine: EngineAddress) -> None:
    with urllib.request.urlopen(engine.browser_url, timeout=20) as answer:
        assert answer.status == 200
        assert b"<title>Neo4j Browser</title>" in answer.read()


def test_the_browser_is_told_an_address_that_it_can_reach(engine: EngineAddress) -> None:
    with urllib.request.urlopen(engine.http_url, timeout=20) as answer:
        assert f'"{engine.bolt_url}"'.encode() in answer.read()


def test_there_is_no_second_way_in_over_http(engine: EngineAddress) -> None:
    request = urllib.request.Request(f"{engine.http_url}/db/neo4j/tx/commit", data=b"{}", method="POST")
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request, timeout=20)
    caught.value.close()
    assert caught.value.code in (404, 405)


def test_a_password_is_needed(engine: EngineAddress) -> None:
    with (
        neo4j.GraphDatabase.driver(engine.bolt_url) as driver,
        pytest.raises(neo4j.exceptions.AuthError),
    ):
        driver.verify_connectivity()


def test_the_password_is_neither_in_the_list_of_processes_nor_in_the_logs(engine: EngineAddress) -> None:
    java = psutil.Process(engine.pid)
    guard = java.parent()
    assert guard
    assert engine.password not in " ".join(java.cmdline() + guard.cmdline())
    root = Path(next(part for part in java.cmdline() if part.startswith("--home-dir=")).partition("=")[2])
    files = [file for file in root.rglob("*") if file.is_file()]
    assert [file.name for file in files if engine.password.encode() in file.read_bytes()] == ["password"]
    assert (root / "password").stat().st_mode & 0o777 == 0o600
    assert root.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what a process has mapped")
def test_java_takes_its_classes_from_the_archive(engine: EngineAddress) -> None:
    mapped = {Path(part.path).name for part in psutil.Process(engine.pid).memory_maps()}
    assert [name for name in mapped if name.startswith("classes-") and name.endswith(".jsa")]


def test_a_server_is_described(engine: EngineAddress) -> None:
    report = check_external(engine.bolt_url, engine.user, engine.password, database="neo4j")
    assert (report.version, report.edition, report.gds_version) == ("5.26.31", "community", "2.13.9")
    assert report.gds_missing == ""
    report.require_gds()
    routed = check_external(engine.bolt_url.replace("bolt:", "neo4j:"), engine.user, engine.password)
    assert routed.version == "5.26.31"


def test_a_server_that_refuses_the_password(engine: EngineAddress) -> None:
    with pytest.raises(DatabaseError, match="does not accept user 'neo4j'"):
        check_external(engine.bolt_url, engine.user, "another word")


def test_a_server_without_the_database_that_is_asked_for(engine: EngineAddress) -> None:
    with pytest.raises(DatabaseError, match="nowhere"):
        check_external(engine.bolt_url, engine.user, engine.password, database="nowhere")
