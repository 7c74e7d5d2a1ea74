// name: layers_of_runs
// access: read
// params: runs: list<string>
// columns: run: string, layer: map
// The layers of several complete runs, the ones nearest the input first.
MATCH (run:Run {state: 'complete'})-[:HAS_LAYER]->(layer:Layer)
WHERE run.id IN $runs
RETURN run.id AS run, layer {.id, .name, .index, .kind, .channels, .height, .width, .parents} AS layer
ORDER BY run, layer.index
