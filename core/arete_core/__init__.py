"""What every part of Arête agrees on: errors, ids and the run folder. Imports neither torch nor neo4j."""
