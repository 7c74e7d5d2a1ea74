// name: runs
// access: read
// params: run: string?
// columns: run: map, classCount: int, completeClasses: int, channelCount: int
// The complete runs, newest first; one run, or all where $run is null.
MATCH (run:Run {state: 'complete'})
WHERE $run IS NULL OR run.id = $run
RETURN
  run {.id, .name, .model, .dataset, .images, .imageSize, .device, .createdAt, .state, .folder} AS run,
  COUNT { (run)-[:HAS_CLASS]->(:Class) } AS classCount,
  COUNT { (run)-[:HAS_CLASS]->(:Class {state: 'complete'}) } AS completeClasses,
  reduce(
    total = 0, n IN COLLECT { MATCH (run)-[:HAS_LAYER]->(layer:Layer) RETURN layer.channels } | total + n
  ) AS channelCount
ORDER BY run.createdAt DESC, run.id
