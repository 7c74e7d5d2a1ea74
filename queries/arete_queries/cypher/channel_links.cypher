// name: channel_links
// access: read
// params: channel: string, first: int
// columns: images: int, inputs: list<map>, outputs: list<map>
// The channels that influence a channel most, and those that it influences most, over all classes of its run; and the
// images of all classes.
MATCH (channel:Channel {id: $channel})<-[:HAS_CHANNEL]-(:Layer)<-[:HAS_LAYER]-(run:Run {state: 'complete'})
USING INDEX channel:Channel(id)
CALL (run) {
  MATCH (run)-[:HAS_CLASS]->(class:Class {state: 'complete'})
  RETURN collect(class.key) AS keys, sum(class.images) AS images
}
CALL (channel, keys) {
  MATCH (source)-[edge:INFLUENCES]->(channel)
  WHERE edge.class IN keys
  WITH source, count(edge) AS classes, sum(edge.count) AS total
  ORDER BY total DESC, source.layerIndex, source.index
  LIMIT $first
  RETURN collect(source {.*, classes: classes, count: total}) AS inputs
}
CALL (channel, keys) {
  MATCH (channel)-[edge:INFLUENCES]->(target)
  WHERE edge.class IN keys
  WITH target, count(edge) AS classes, sum(edge.count) AS total
  ORDER BY total DESC, target.layerIndex, target.index
  LIMIT $first
  RETURN collect(target {.*, classes: classes, count: total}) AS outputs
}
RETURN images, inputs, outputs
