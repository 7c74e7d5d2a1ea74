// name: class_graph_at_mass
// access: read
// params: class: string, mass: float, minShare: float
// columns: class: map, vertices: list<map>, sources: list<string>, targets: list<string>, counts: list<int>
// A class's attribution graph at a given share of each layer's rank mass.
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
// The edges come first: a hash join is charged for whatever its rows already carry, thousands of times the vertices.
CALL (class) {
  MATCH (class)-[one:ACTIVATES]->(source) WHERE one.entry < $mass
  MATCH (class)-[other:ACTIVATES]->(target) WHERE other.entry < $mass
  MATCH (source)-[edge:INFLUENCES {class: class.key}]->(target)
  USING INDEX edge:INFLUENCES(class)
  USING JOIN ON source
  USING JOIN ON target
  WHERE edge.count >= $minShare * class.images
  RETURN collect(source.id) AS sources, collect(target.id) AS targets, collect(edge.count) AS counts
}
CALL (class) {
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE active.entry < $mass
  RETURN collect(channel {.*, count: active.count, rank: active.rank}) AS vertices
}
RETURN class {.*} AS class, vertices, sources, targets, counts
