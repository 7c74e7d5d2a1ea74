"""What the fixtures of the integration tests promise: a real engine, GDS in it, and a database that is empty."""

import neo4j
import pytest

from arete_queries.engine import EngineAddress

pytestmark = pytest.mark.integration


def test_the_shared_engine_has_gds(engine_driver: neo4j.Driver) -> None:
    records, _, _ = engine_driver.execute_query("RETURN gds.version() AS version")
    assert records[0]["version"] == "2.13.9"


@pytest.mark.parametrize("round_", [1, 2])
def test_clean_database_leaves_nothing_of_the_test_before(
    clean_database: EngineAddress, engine_driver: neo4j.Driver, round_: int
) -> None:
    counts, _, _ = engine_driver.execute_query("MATCH (n) RETURN count(n) AS n")
    indexes, _, _ = engine_driver.execute_query("SHOW INDEXES YIELD type WHERE type <> 'LOOKUP' RETURN count(*) AS n")
    graphs, _, _ = engine_driver.execute_query("CALL gds.graph.list() YIELD graphName RETURN count(*) AS n")
    assert [rows[0]["n"] for rows in (counts, indexes, graphs)] == [0, 0, 0]
    for statement in (
        "CREATE CONSTRAINT one IF NOT EXISTS FOR (t:Thing) REQUIRE t.id IS UNIQUE",
        "CREATE INDEX two IF NOT EXISTS FOR (t:Thing) ON (t.name)",
        "CREATE (:Thing {id: 1})-[:NEXT]->(:Thing {id: 2})",
        "MATCH (a)-[:NEXT]->(b) RETURN gds.graph.project('things', a, b)",
    ):
        engine_driver.execute_query(statement)
