// name: complete_class
// access: write idempotent
// params: class: int, mass: float?, edgeCount: int, droppedShare: float
// columns: none
// Shows a class to readers.
MATCH (class:Class {key: $class})
SET class.state = 'complete', class.mass = $mass, class.edgeCount = $edgeCount, class.droppedShare = $droppedShare
