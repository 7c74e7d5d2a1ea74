// name: groups
// access: read
// params: run: string
// columns: id: string, run: string, name: string, classCount: int
// The groups of a complete run, by name.
MATCH (:Run {id: $run, state: 'complete'})
MATCH (group:Group)
WHERE group.run = $run
RETURN group.id AS id, group.run AS run, group.name AS name,
  COUNT { (group)-[:CONTAINS]->(:Class {state: 'complete'}) } AS classCount
ORDER BY toLower(name), id
