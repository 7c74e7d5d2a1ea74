// name: class_drawing
// access: read
// params: class: string, mass: float, minShare: float
// columns: channels: list<node>, edges: list<relationship>
// The attribution graph of a class, for Neo4j Browser to draw (switch off "Connect result nodes").
MATCH (class:Class {id: $class, state: 'complete'})
CALL (class) {
  MATCH (class)-[active:ACTIVATES]->(channel:Channel)
  WHERE active.entry < $mass
  RETURN collect(channel) AS channels
}
CALL (class) {
  MATCH (class)-[one:ACTIVATES]->(source:Channel) WHERE one.entry < $mass
  MATCH (class)-[other:ACTIVATES]->(target:Channel) WHERE other.entry < $mass
  MATCH (source)-[edge:INFLUENCES {class: class.key}]->(target)
  USING INDEX edge:INFLUENCES(class)
  USING JOIN ON source
  USING JOIN ON target
  WHERE edge.count >= $minShare * class.images
  RETURN collect(edge) AS edges
}
RETURN channels, edges
