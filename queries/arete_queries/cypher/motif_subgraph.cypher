// name: motif_subgraph
// access: read
// params: classes: list<string>, sources: list<string>, targets: list<string>, mass: float?
// columns: support: int, classes: list<node>, edges: list<relationship>
// Which of the classes hold all of the given edges in their graphs, each at its own mass or all at a given one, with these
// edges, for Neo4j Browser to draw (switch off "Connect result nodes").
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE class.id IN $classes
WITH collect(class) AS classes
CALL (classes) {
  UNWIND range(0, size($sources) - 1) AS i
  MATCH (source:Channel {id: $sources[i]})
  MATCH (target:Channel {id: $targets[i]})
  CALL (classes, source, target) {
    WITH * WHERE $mass IS NULL
    MATCH (source)-[edge:ATTRIBUTES]->(target)
    WHERE edge.class IN [class IN classes | class.key]
    RETURN edge
    UNION ALL
    WITH * WHERE $mass IS NOT NULL
    UNWIND classes AS class
    MATCH (class)-[one:ACTIVATES]->(source) WHERE one.entry < $mass
    MATCH (class)-[other:ACTIVATES]->(target) WHERE other.entry < $mass
    MATCH (source)-[edge:INFLUENCES]->(target)
    WHERE edge.class = class.key
    RETURN edge
  }
  WITH edge.class AS key, collect(edge) AS found
  WHERE size(found) = size($sources)
  RETURN collect(key) AS holders, collect(found) AS drawn
}
RETURN size(holders) AS support, [class IN classes WHERE class.key IN holders] AS classes,
  reduce(all = [], one IN drawn | all + one) AS edges
