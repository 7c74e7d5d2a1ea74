// name: delete_run
// access: write idempotent
// params: run: string
// columns: none
// Deletes a run, its layers and its groups, once its classes and channels are gone.
MATCH (run:Run {id: $run})
CALL (run) {
  MATCH (group:Group)
  WHERE group.run = run.id
  DETACH DELETE group
}
OPTIONAL MATCH (run)-[:HAS_LAYER]->(layer:Layer)
DETACH DELETE run, layer
