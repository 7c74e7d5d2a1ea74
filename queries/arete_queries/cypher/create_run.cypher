// name: create_run
// access: write idempotent
// params: run: string, properties: map
// columns: none
// Makes a run's node, not yet visible to readers.
MERGE (run:Run {id: $run})
SET run += $properties, run.state = 'loading'
