// name: channel_over_classes
// access: read
// params: channel: string, profile: bool, links: int
// columns: classes: list<string>, counts: list<int>, images: list<int>, ranks: list<float>, kept: list<bool>, allImages: int, inputs: list<map>, outputs: list<map>
// A channel over all classes of its run: how much each class uses it, for those that do and where $profile asks for it,
// by class index; and its $links strongest inputs and outputs, with the images of all classes.
MATCH (channel:Channel {id: $channel})<-[:HAS_CHANNEL]-(:Layer)<-[:HAS_LAYER]-(run:Run {state: 'complete'})
USING INDEX channel:Channel(id)
CALL (run) {
  MATCH (run)-[:HAS_CLASS]->(class:Class {state: 'complete'})
  RETURN collect(class.key) AS keys, sum(class.images) AS allImages
}
CALL (channel) {
  WITH channel WHERE $profile
  MATCH (channel)<-[use:ACTIVATES]-(class:Class {state: 'complete'})
  WHERE use.count > 0
  WITH class, use ORDER BY class.index
  RETURN collect(class.id) AS classes, collect(use.count) AS counts, collect(class.images) AS images,
    collect(use.rank) AS ranks, collect(use.kept) AS kept
}
CALL (channel, keys) {
  WITH channel, keys WHERE $links > 0
  MATCH (source)-[edge:INFLUENCES]->(channel)
  WHERE edge.class IN keys
  WITH source, count(edge) AS edges, sum(edge.count) AS total
  ORDER BY total DESC, source.layerIndex, source.index
  LIMIT $links
  RETURN collect(source {.*, classes: edges, count: total}) AS inputs
}
CALL (channel, keys) {
  WITH channel, keys WHERE $links > 0
  MATCH (channel)-[edge:INFLUENCES]->(target)
  WHERE edge.class IN keys
  WITH target, count(edge) AS edges, sum(edge.count) AS total
  ORDER BY total DESC, target.layerIndex, target.index
  LIMIT $links
  RETURN collect(target {.*, classes: edges, count: total}) AS outputs
}
RETURN classes, counts, images, ranks, kept, allImages, inputs, outputs
