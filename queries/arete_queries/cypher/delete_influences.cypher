// name: delete_influences
// access: write idempotent
// params: class: int, limit: int
// columns: deleted: int
// Deletes some of a class's influence edges.
MATCH ()-[edge:INFLUENCES {class: $class}]->()
WITH edge LIMIT $limit
DELETE edge
RETURN count(*) AS deleted
