// name: layer_neighbors
// access: read
// params: class: string, layer: string, first: int
// columns: layer: string, layerIndex: int, neighbors: list<map>
// The classes nearest to one in a layer, by the cosine of the angle between their activation counts.
MATCH (run:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
MATCH (run)-[:HAS_LAYER]->(layer:Layer {id: $layer})
CALL (class, layer) {
  MATCH (layer)-[:HAS_CHANNEL]->(channel:Channel)
  OPTIONAL MATCH (class)-[own:ACTIVATES]->(channel)
  WITH channel, coalesce(own.count, 0) AS count
  MATCH (channel)<-[active:ACTIVATES]-(other:Class)
  WITH other, toFloat(sum(count * active.count)) AS product, toFloat(sum(active.count * active.count)) AS square
  RETURN collect({other: other, product: product, square: square}) AS products
}
WITH class, layer, products, head([one IN products WHERE one.other = class | one.square]) AS ownSquare
CALL (class, products, ownSquare) {
  UNWIND products AS one
  WITH one.other AS other, one.product AS product, one.square AS square
  WHERE other <> class AND other.state = 'complete' AND product > 0
  WITH other, product / sqrt(square * ownSquare) AS cosine
  ORDER BY cosine DESC, other.index
  LIMIT $first
  RETURN collect(other {.*, cosine: cosine}) AS neighbors
}
RETURN layer.name AS layer, layer.index AS layerIndex, neighbors
