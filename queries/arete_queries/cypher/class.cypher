// name: class
// access: read
// params: class: string
// columns: class: map
// One complete class of a complete run.
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
RETURN class {.*} AS class
