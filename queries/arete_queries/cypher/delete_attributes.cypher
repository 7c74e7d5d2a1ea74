// name: delete_attributes
// access: write idempotent
// params: class: int, limit: int
// columns: deleted: int
// Deletes some of the edges of a class's attribution graph.
MATCH ()-[edge:ATTRIBUTES {class: $class}]->()
WITH edge LIMIT $limit
DELETE edge
RETURN count(*) AS deleted
