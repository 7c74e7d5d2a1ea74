// name: delete_activations
// access: write idempotent
// params: class: int, limit: int
// columns: deleted: int
// Deletes some of a class's activation counts.
MATCH (:Class {key: $class})-[active:ACTIVATES]->()
WITH active LIMIT $limit
DELETE active
RETURN count(*) AS deleted
