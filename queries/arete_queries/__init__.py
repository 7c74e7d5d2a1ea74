"""Run folder to Neo4j, and every question asked of the graph. Imports no torch."""
