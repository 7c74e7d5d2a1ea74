// name: delete_scores
// access: write idempotent
// params: class: string
// columns: none
// Deletes all of a class's scores.
MATCH (:Class {id: $class})-[score:SCORES]->()
DELETE score
