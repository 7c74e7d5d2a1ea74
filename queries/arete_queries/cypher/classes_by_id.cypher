// name: classes_by_id
// access: read
// params: classes: list<string>
// columns: classes: list<map>
// Those of some classes that are there and complete.
MATCH (class:Class {state: 'complete'})
WHERE class.id IN $classes
RETURN collect(class {.*}) AS classes
