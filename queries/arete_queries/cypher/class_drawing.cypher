// name: class_drawing
// access: read
// params: class: string, mass: float, minShare: float
// columns: channels: list<node>, edges: list<relationship>
// The attribution graph of a class, for Neo4j Browser to draw (switch off "Connect result nodes").
MATCH (class:Class {id: $class, state: 'complete'})
// The edges come first: a hash join is charged for whatever its rows already carry, thousands of times the vertices.
CALL (class) {
  MATCH (class)-[one:ACTIVATES]->(source) WHERE one.entry < $mass
  MATCH (class)-[other:ACTIVATES]->(target) WHERE other.entry < $mass
  MATCH (source)-[edge:INFLUENCES {class: class.key}]->(target)
  USING INDEX edge:INFLUENCES(class)
  USING JOIN ON source
  USING JOIN ON target
  WHERE edge.count >= $minShare * class.images
  RETURN collect(edge) AS edges
}
CALL (class) {
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE active.entry < $mass
  RETURN collect(channel) AS channels
}
RETURN channels, edges
