// name: stale_classes
// access: read
// params: run: string
// columns: key: int, index: int, droppedShare: float
// Complete classes of a run whose ranks are those of before the last exclusion.
MATCH (:Run {id: $run})-[:HAS_CLASS]->(class:Class {stale: true, state: 'complete'})
RETURN class.key AS key, class.index AS index, class.droppedShare AS droppedShare
ORDER BY index
