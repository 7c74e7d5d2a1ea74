// name: motif_edges
// access: read
// params: classes: list<string>, atLeast: int
// columns: classes: list<map>, runKeys: list<int>, channels: list<map>, sources: list<string>, targets: list<string>, keys: list<list<int>>
// The edges that the attribution graphs of at least so many of the classes hold, each with the keys of all classes, of
// these and others, that hold it; and the keys of all complete classes of the run.
MATCH (run:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE class.id IN $classes
WITH collect(DISTINCT run) AS runs, collect(class) AS classes
CALL (runs) {
  UNWIND runs AS run
  MATCH (run)-[:HAS_CLASS]->(class:Class {state: 'complete'})
  RETURN collect(class.key) AS runKeys
}
CALL (classes) {
  UNWIND classes AS class
  MATCH (source)-[edge:ATTRIBUTES {class: class.key}]->(target)
  USING INDEX edge:ATTRIBUTES(class)
  WITH source, target, count(*) AS support
  WHERE support >= $atLeast
  MATCH (source)-[edge:ATTRIBUTES]->(target)
  WITH source, target, collect(edge.class) AS found
  RETURN collect(source) + collect(target) AS ends, collect(source.id) AS sources, collect(target.id) AS targets,
    collect(found) AS keys
}
CALL (ends) {
  UNWIND ends AS channel
  WITH DISTINCT channel
  RETURN collect(channel {.*}) AS channels
}
RETURN [class IN classes | properties(class)] AS classes, runKeys, channels, sources, targets, keys
