// name: group_members
// access: read
// params: groups: list<string>
// columns: id: string, classes: list<string>
// The ids of the complete classes of several groups of complete runs, by index.
MATCH (group:Group)
WHERE group.id IN $groups AND EXISTS { MATCH (:Run {id: group.run, state: 'complete'}) }
OPTIONAL MATCH (group)-[:CONTAINS]->(class:Class {state: 'complete'})
WITH group, class ORDER BY class.index
RETURN group.id AS id, collect(class.id) AS classes
