// name: class_graph_at_mass
// access: read
// params: class: string, mass: float, minShare: float
// columns: class: map, vertices: list<map>, sources: list<string>, targets: list<string>, counts: list<int>
// A class's attribution graph at a given share of each layer's rank mass.
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
CALL (class) {
  MATCH (class)-[active:ACTIVATES]->(channel:Channel)
  WHERE active.entry < $mass
  RETURN collect(channel {.*, count: active.count, rank: active.rank}) AS vertices
}
CALL (class) {
  MATCH (class)-[one:ACTIVATES]->(source:Channel) WHERE one.entry < $mass
  MATCH (class)-[other:ACTIVATES]->(target:Channel) WHERE other.entry < $mass
  MATCH (source)-[edge:INFLUENCES {class: class.key}]->(target)
  USING INDEX edge:INFLUENCES(class)
  USING JOIN ON source
  USING JOIN ON target
  WHERE edge.count >= $minShare * class.images
  RETURN collect(source.id) AS sources, collect(target.id) AS targets, collect(edge.count) AS counts
}
RETURN class {.*} AS class, vertices, sources, targets, counts
