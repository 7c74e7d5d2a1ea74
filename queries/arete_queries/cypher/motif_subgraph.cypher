// name: motif_subgraph
// access: read
// params: classes: list<string>, sources: list<string>, targets: list<string>
// columns: support: int, classes: list<node>, edges: list<relationship>
// Which of the classes hold all of the given edges in their attribution graphs, with these edges, for Neo4j Browser to
// draw (switch off "Connect result nodes").
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE class.id IN $classes
WITH collect(class) AS classes
CALL (classes) {
  WITH [class IN classes | class.key] AS keys
  UNWIND range(0, size($sources) - 1) AS i
  MATCH (source:Channel {id: $sources[i]})
  MATCH (target:Channel {id: $targets[i]})
  MATCH (source)-[edge:ATTRIBUTES]->(target)
  WHERE edge.class IN keys
  WITH edge.class AS key, collect(edge) AS found
  WHERE size(found) = size($sources)
  RETURN collect(key) AS holders, collect(found) AS drawn
}
RETURN size(holders) AS support, [class IN classes WHERE class.key IN holders] AS classes,
  reduce(all = [], one IN drawn | all + one) AS edges
