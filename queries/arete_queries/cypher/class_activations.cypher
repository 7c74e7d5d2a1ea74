// name: class_activations
// access: read
// params: layer: string, classes: list<string>
// columns: layer: map, class: map, channels: list<int>, counts: list<int>
// How often each of some classes excites the channels of a layer: indices of channels, and their activation counts.
MATCH (run:Run {state: 'complete'})-[:HAS_LAYER]->(layer:Layer {id: $layer})
MATCH (run)-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE class.id IN $classes
CALL (layer, class) {
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE channel.layerIndex = layer.index AND active.count > 0
  RETURN collect(channel.index) AS channels, collect(active.count) AS counts
}
RETURN layer {.id, .name, .index, .kind, .channels, .height, .width, .parents} AS layer, class {.*} AS class, channels,
  counts
