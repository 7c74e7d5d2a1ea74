// name: write_embedding
// access: write idempotent
// params: layer: string, classes: list<string>, x: list<float>, y: list<float>
// columns: none
// Places classes in a layer; three parallel lists.
MATCH (layer:Layer {id: $layer})
UNWIND range(0, size($classes) - 1) AS i
MATCH (class:Class {id: $classes[i]})
MERGE (class)-[place:PLACED_IN]->(layer)
SET place.x = $x[i], place.y = $y[i]
