// name: class_graph
// access: read
// params: class: string, minShare: float
// columns: class: map, vertices: list<map>, sources: list<string>, targets: list<string>, counts: list<int>
// A class's attribution graph at its own mass, as the load extracted it.
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
CALL (class) {
  MATCH (source)-[edge:ATTRIBUTES {class: class.key}]->(target)
  USING INDEX edge:ATTRIBUTES(class)
  WHERE edge.count >= $minShare * class.images
  RETURN collect(source.id) AS sources, collect(target.id) AS targets, collect(edge.count) AS counts
}
CALL (class) {
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE active.entry < class.mass
  RETURN collect(channel {.*, count: active.count, rank: active.rank}) AS vertices
}
RETURN class {.*} AS class, vertices, sources, targets, counts
