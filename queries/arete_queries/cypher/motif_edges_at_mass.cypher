// name: motif_edges_at_mass
// access: read
// params: classes: list<string>, atLeast: int, mass: float
// columns: classes: list<map>, runKeys: list<int>, channels: list<map>, sources: list<string>, targets: list<string>, keys: list<list<int>>
// The edges that the graphs of at least so many of the classes hold, all at one mass, each with the keys of all classes,
// of these and others, that hold it; and the keys of all complete classes of the run.
MATCH (run:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE class.id IN $classes
WITH collect(DISTINCT run) AS runs, collect(class) AS classes, collect(class.key) AS keys
CALL (runs) {
  UNWIND runs AS run
  MATCH (run)-[:HAS_CLASS]->(class:Class {state: 'complete'})
  RETURN collect(class.key) AS runKeys
}
// Both ends of such an edge are kept by as many classes, so that few channels have to be looked at: the edges into each
// are read once, for all classes of the run.
CALL (classes) {
  UNWIND classes AS class
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE active.entry < $mass
  WITH channel, count(*) AS support
  WHERE support >= $atLeast
  RETURN collect(channel) AS common
}
CALL (common, keys) {
  UNWIND common AS target
  CALL (target) {
    MATCH (class)-[active:ACTIVATES]->(target)
    WHERE active.entry < $mass
    RETURN collect(class.key) AS keptBy
  }
  MATCH (source)-[edge:INFLUENCES]->(target)
  WHERE edge.class IN keptBy AND source IN common
  WITH source, target, keys, collect(edge.class) AS found
  WHERE size(found) >= $atLeast
  WITH source, keys, collect({target: target, keys: found}) AS into
  CALL (source) {
    MATCH (class)-[active:ACTIVATES]->(source)
    WHERE active.entry < $mass
    RETURN collect(class.key) AS keptBy
  }
  UNWIND into AS one
  WITH source, keys, one.target AS target, [key IN one.keys WHERE key IN keptBy] AS found
  WHERE size([key IN found WHERE key IN keys]) >= $atLeast
  RETURN collect(source) + collect(target) AS ends, collect(source.id) AS sources, collect(target.id) AS targets,
    collect(found) AS holders
}
CALL (ends) {
  UNWIND ends AS channel
  WITH DISTINCT channel
  RETURN collect(channel {.*}) AS channels
}
RETURN [class IN classes | properties(class)] AS classes, runKeys, channels, sources, targets, holders AS keys
