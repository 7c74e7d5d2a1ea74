// name: group
// access: read
// params: group: string
// columns: id: string, run: string, name: string, classes: list<map>
// One group of a complete run, and its complete classes by index.
MATCH (group:Group {id: $group})
WHERE EXISTS { MATCH (:Run {id: group.run, state: 'complete'}) }
OPTIONAL MATCH (group)-[:CONTAINS]->(class:Class {state: 'complete'})
WITH group, class ORDER BY class.index
RETURN group.id AS id, group.run AS run, group.name AS name, collect(class {.*}) AS classes
