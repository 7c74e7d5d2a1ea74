// name: score_names
// access: read
// params: class: string
// columns: name: string
// The names of the scores that a class's channels have, in order.
MATCH (:Class {id: $class})-[score:SCORES]->()
RETURN DISTINCT score.name AS name
ORDER BY name
