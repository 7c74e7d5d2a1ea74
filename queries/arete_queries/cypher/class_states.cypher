// name: class_states
// access: read
// params: run: string
// columns: index: int, key: int, state: string
// The loader's view of a run's classes: waiting, loading (may hold a part of its edges) or complete.
MATCH (:Run {id: $run})-[:HAS_CLASS]->(class:Class)
RETURN class.index AS index, class.key AS key, class.state AS state
ORDER BY index
