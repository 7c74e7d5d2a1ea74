// name: layers
// access: read
// params: run: string
// columns: layer: map
// The layers of a complete run, the one nearest the input first.
MATCH (:Run {id: $run, state: 'complete'})-[:HAS_LAYER]->(layer:Layer)
RETURN layer {.id, .name, .index, .kind, .channels, .height, .width, .parents} AS layer
ORDER BY layer.index
