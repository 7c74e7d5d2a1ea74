// name: classes_by_similarity
// access: read
// params: run: string, search: string?, kinds: list<string>?, class: string, layer: string, skip: int, first: int
// columns: total: int, classes: list<map>
// A page of a complete run's classes, filtered as in `classes`, those first that a layer sees most like one class: by
// the cosine of the angle between their activation counts.
MATCH (run:Run {id: $run, state: 'complete'})-[:HAS_CLASS]->(own:Class {id: $class, state: 'complete'})
MATCH (run)-[:HAS_LAYER]->(layer:Layer {id: $layer})
CALL (own, layer) {
  MATCH (layer)-[:HAS_CHANNEL]->(channel:Channel)
  OPTIONAL MATCH (own)-[mine:ACTIVATES]->(channel)
  WITH channel, coalesce(mine.count, 0) AS count
  MATCH (channel)<-[active:ACTIVATES]-(class:Class)
  WITH class, toFloat(sum(count * active.count)) AS product, toFloat(sum(active.count * active.count)) AS square
  WHERE class.state = 'complete'
    AND ($search IS NULL OR toLower(class.name) CONTAINS toLower($search))
    AND ($kinds IS NULL OR class.kind IN $kinds)
  ORDER BY CASE WHEN product > 0 THEN product / sqrt(square) ELSE 0.0 END DESC, class.index
  RETURN collect(class) AS active
}
CALL (run, active) {
  MATCH (run)-[:HAS_CLASS]->(class:Class {state: 'complete'})
  WHERE NOT class IN active
    AND ($search IS NULL OR toLower(class.name) CONTAINS toLower($search))
    AND ($kinds IS NULL OR class.kind IN $kinds)
  WITH class ORDER BY class.index
  RETURN collect(class) AS silent
}
WITH active + silent AS found
RETURN size(found) AS total, [class IN found[$skip..$skip + $first] | class {.*}] AS classes
