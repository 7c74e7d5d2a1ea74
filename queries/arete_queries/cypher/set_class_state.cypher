// name: set_class_state
// access: write idempotent
// params: class: int, state: string
// columns: none
// Sets a class's state.
MATCH (class:Class {key: $class})
SET class.state = $state
