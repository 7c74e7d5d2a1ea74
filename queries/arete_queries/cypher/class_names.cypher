// name: class_names
// access: read
// params: run: string
// columns: id: string, name: string
// All class names of a complete run, to suggest one for a name that does not exist.
MATCH (:Run {id: $run, state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
RETURN class.id AS id, class.name AS name
ORDER BY class.index
