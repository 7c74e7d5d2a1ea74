// name: motif_triangle
// access: read
// params: classes: list<string>, atLeast: int, mass: float?
// columns: channels: list<string>, support: int, classes: list<string>
// Paths of two edges whose ends a skip edge joins as well, in the attribution graphs of at least so many of the classes,
// most common first.
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE class.id IN $classes
WITH collect(class) AS classes
CALL (classes) {
  UNWIND classes AS class
  CALL (class) {
    WITH class WHERE $mass IS NULL
    MATCH (source)-[edge:ATTRIBUTES {class: class.key}]->(target)
    USING INDEX edge:ATTRIBUTES(class)
    RETURN source, target
    UNION ALL
    WITH class WHERE $mass IS NOT NULL
    MATCH (class)-[one:ACTIVATES]->(source) WHERE one.entry < $mass
    MATCH (class)-[other:ACTIVATES]->(target) WHERE other.entry < $mass
    MATCH (source)-[edge:INFLUENCES {class: class.key}]->(target)
    USING INDEX edge:INFLUENCES(class)
    USING JOIN ON source
    USING JOIN ON target
    RETURN source, target
  }
  WITH source, target, collect(class.key) AS found
  WHERE size(found) >= $atLeast
  RETURN collect({source: source, target: target, keys: found}) AS edges
}
UNWIND edges AS e1
WITH edges, e1, e1.keys AS common
UNWIND edges AS e2
WITH * WHERE e2.source = e1.target
WITH *, [key IN common WHERE key IN e2.keys] AS shared
WHERE size(shared) >= $atLeast
WITH edges, e1, e2, shared AS common
UNWIND edges AS e3
WITH * WHERE e3.source = e1.source AND e3.target = e2.target
WITH *, [key IN common WHERE key IN e3.keys] AS shared
WHERE size(shared) >= $atLeast
WITH edges, e1, e2, e3, shared AS common
CALL (common) {
  MATCH (class:Class)
  WHERE class.key IN common
  WITH class ORDER BY class.index
  RETURN collect(class.id) AS classes
}
RETURN [e1.source.id, e2.source.id, e2.target.id] AS channels, size(common) AS support, classes
ORDER BY support DESC, channels
