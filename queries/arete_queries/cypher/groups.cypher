// name: groups
// access: read
// params: run: string
// columns: id: string, run: string, name: string, classes: list<string>
// The groups of a complete run, by name, each with the ids of its complete classes by index.
MATCH (:Run {id: $run, state: 'complete'})
MATCH (group:Group)
WHERE group.run = $run
OPTIONAL MATCH (group)-[:CONTAINS]->(class:Class {state: 'complete'})
WITH group, class ORDER BY class.index
WITH group, collect(class.id) AS classes
RETURN group.id AS id, group.run AS run, group.name AS name, classes
ORDER BY toLower(name), id
