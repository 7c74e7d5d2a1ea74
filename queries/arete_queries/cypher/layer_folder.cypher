// name: layer_folder
// access: read
// params: layer: string
// columns: layer: map, folder: string
// A layer of a complete run, and where the run's folder lies.
MATCH (run:Run {state: 'complete'})-[:HAS_LAYER]->(layer:Layer {id: $layer})
RETURN layer {.id, .name, .index, .kind, .channels, .height, .width, .parents} AS layer, run.folder AS folder
