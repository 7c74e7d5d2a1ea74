// name: create_group
// access: write
// params: id: string, run: string, name: string, classes: list<string>, replace: bool
// columns: free: bool
// Makes a group of complete classes of one run. No row where one of the classes is not there; nothing is changed where
// a group of this name has other classes and is not to be replaced.
MATCH (:Run {id: $run, state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE class.id IN $classes
WITH collect(class) AS classes
WHERE size(classes) = size($classes)
MERGE (group:Group {id: $id})
WITH group, classes, COLLECT { MATCH (group)-[:CONTAINS]->(class) RETURN class } AS held
WITH group, classes, group.name IS NULL OR $replace
  OR (size(held) = size(classes) AND all(class IN held WHERE class IN classes)) AS free
CALL (group, free) {
  OPTIONAL MATCH (group)-[old:CONTAINS]->()
  WHERE free
  DELETE old
}
FOREACH (class IN CASE WHEN free THEN classes ELSE [] END | CREATE (group)-[:CONTAINS]->(class))
SET group.name = $name, group.run = $run
RETURN free
