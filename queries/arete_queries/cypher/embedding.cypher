// name: embedding
// access: read
// params: layer: string
// columns: layer: string, classes: list<string>, x: list<float>, y: list<float>
// Where a complete run's classes lie in a layer, by class index: three parallel lists.
MATCH (:Run {state: 'complete'})-[:HAS_LAYER]->(layer:Layer {id: $layer})
OPTIONAL MATCH (class:Class {state: 'complete'})-[place:PLACED_IN]->(layer)
WITH layer, class, place ORDER BY class.index
RETURN layer.id AS layer, collect(class.id) AS classes, collect(place.x) AS x, collect(place.y) AS y
