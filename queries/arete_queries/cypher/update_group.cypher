// name: update_group
// access: write idempotent
// params: group: string, add: list<string>, remove: list<string>
// columns: id: string, run: string, name: string, classes: list<string>
// Adds complete classes of its run to a group and takes classes out of it. No row, and nothing changed, where a class to
// be added is not there.
MATCH (group:Group {id: $group})
MATCH (run:Run {id: group.run, state: 'complete'})
CALL (run) {
  MATCH (run)-[:HAS_CLASS]->(class:Class {state: 'complete'})
  WHERE class.id IN $add
  RETURN collect(class) AS added
}
WITH group, added
WHERE size(added) = size($add)
FOREACH (class IN added | MERGE (group)-[:CONTAINS]->(class))
WITH group
CALL (group) {
  MATCH (group)-[old:CONTAINS]->(class)
  WHERE class.id IN $remove
  DELETE old
}
WITH group
OPTIONAL MATCH (group)-[:CONTAINS]->(class:Class {state: 'complete'})
WITH group, class ORDER BY class.index
RETURN group.id AS id, group.run AS run, group.name AS name, collect(class.id) AS classes
