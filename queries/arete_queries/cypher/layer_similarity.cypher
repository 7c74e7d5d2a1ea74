// name: layer_similarity
// access: read
// params: class: string, layer: string
// columns: class: map, classes: list<string>, cosines: list<float>
// How alike a layer sees one class and the run's classes, itself among them: the cosine of the angle between their
// activation counts. Classes that share no active channel with it, whose cosine is 0, are left out.
MATCH (run:Run {state: 'complete'})-[:HAS_CLASS]->(own:Class {id: $class, state: 'complete'})
MATCH (run)-[:HAS_LAYER]->(layer:Layer {id: $layer})
CALL (own, layer) {
  MATCH (layer)-[:HAS_CHANNEL]->(channel:Channel)
  OPTIONAL MATCH (own)-[mine:ACTIVATES]->(channel)
  WITH channel, coalesce(mine.count, 0) AS count
  MATCH (channel)<-[active:ACTIVATES]-(class:Class)
  WITH class, toFloat(sum(count * active.count)) AS product, toFloat(sum(active.count * active.count)) AS square
  WHERE class.state = 'complete' AND product > 0
  RETURN collect(class) AS near, collect(product / sqrt(square)) AS scaled
}
// What is likest is the class itself, whose own length this divides by.
CALL (near, scaled) {
  UNWIND range(0, size(near) - 1) AS place
  RETURN max(scaled[place]) AS length
}
CALL (near, scaled, length) {
  UNWIND range(0, size(near) - 1) AS place
  WITH near[place] AS class, scaled[place] / length AS cosine
  WITH class, cosine ORDER BY class.index
  RETURN collect(class.id) AS found, collect(cosine) AS cosines
}
RETURN own {.*} AS class, found AS classes, cosines
