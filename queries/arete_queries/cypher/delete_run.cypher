// name: delete_run
// access: write idempotent
// params: run: string
// columns: none
// Deletes a run and its layers, once its classes and channels are gone.
MATCH (run:Run {id: $run})
OPTIONAL MATCH (run)-[:HAS_LAYER]->(layer:Layer)
DETACH DELETE run, layer
