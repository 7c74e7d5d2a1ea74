// name: layer_neighbors
// access: read
// params: class: string, layers: list<string>?, first: int
// columns: class: map, layer: string, layerIndex: int, neighbors: list<map>, cosines: list<float>
// The classes nearest to one in each of some layers, or all, by the cosine of the angle between their activation counts.
MATCH (run:Run {state: 'complete'})-[:HAS_CLASS]->(own:Class {id: $class, state: 'complete'})
MATCH (run)-[:HAS_LAYER]->(layer:Layer)
WHERE $layers IS NULL OR layer.name IN $layers
CALL (own, layer) {
  MATCH (layer)-[:HAS_CHANNEL]->(channel:Channel)
  OPTIONAL MATCH (own)-[mine:ACTIVATES]->(channel)
  WITH channel, coalesce(mine.count, 0) AS count
  MATCH (channel)<-[active:ACTIVATES]-(class:Class)
  WITH class, toFloat(sum(count * active.count)) AS product, toFloat(sum(active.count * active.count)) AS square
  WHERE class.state = 'complete' AND product > 0
  // Still to be divided by the class's own length, which is the largest of them: its product with itself.
  WITH class, product / sqrt(square) AS scaled ORDER BY scaled DESC, class.index
  WITH collect(class) AS near, collect(scaled) AS scaled
  RETURN [class IN near WHERE class <> own][..$first] AS near,
    [place IN range(0, size(near) - 1) WHERE near[place] <> own | scaled[place] / scaled[0]][..$first] AS cosines
}
RETURN own {.*} AS class, layer.name AS layer, layer.index AS layerIndex, [class IN near | class {.*}] AS neighbors, cosines
ORDER BY layerIndex
