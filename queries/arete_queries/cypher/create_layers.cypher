// name: create_layers
// access: write idempotent
// params: run: string, layers: list<map>
// columns: none
// Makes the layers of a run.
MATCH (run:Run {id: $run})
UNWIND $layers AS row
MERGE (layer:Layer {id: row.id})
SET layer += row
MERGE (run)-[:HAS_LAYER]->(layer)
