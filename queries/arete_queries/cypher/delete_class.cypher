// name: delete_class
// access: write idempotent
// params: class: int
// columns: none
// Deletes a class that has no edges left.
MATCH (class:Class {key: $class})
DETACH DELETE class
