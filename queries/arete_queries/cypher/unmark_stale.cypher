// name: unmark_stale
// access: write idempotent
// params: class: int
// columns: none
// Says that a class's ranks are up to date.
MATCH (class:Class {key: $class})
REMOVE class.stale
