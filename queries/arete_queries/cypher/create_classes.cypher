// name: create_classes
// access: write
// params: run: string, classes: list<map>
// columns: none
// Makes the classes of a run, not yet visible to readers.
MATCH (run:Run {id: $run})
UNWIND $classes AS row
MERGE (class:Class {id: row.id})
SET class += row, class.state = 'waiting'
MERGE (run)-[:HAS_CLASS]->(class)
