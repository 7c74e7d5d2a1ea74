// name: count_run
// access: read
// params: run: string
// columns: layers: int, channels: int, classes: int, completeClasses: int
// What the database holds of a run.
MATCH (run:Run {id: $run})
RETURN
  COUNT { (run)-[:HAS_LAYER]->(:Layer) } AS layers,
  COUNT { (run)-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(:Channel) } AS channels,
  COUNT { (run)-[:HAS_CLASS]->(:Class) } AS classes,
  COUNT { (run)-[:HAS_CLASS]->(:Class {state: 'complete'}) } AS completeClasses
