// name: class_counts
// access: read
// params: class: string, minShare: float, scores: string?
// columns: channels: list<string>, layers: list<int>, excluded: list<bool>, activations: list<int>, scored: list<float>, sources: list<string>, targets: list<string>, counts: list<int>
// All channels of a class's run with its activation count and score for each, and all its influence edges.
MATCH (run:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
CALL (class) {
  MATCH (source)-[edge:INFLUENCES {class: class.key}]->(target)
  USING INDEX edge:INFLUENCES(class)
  WHERE edge.count >= $minShare * class.images
  RETURN collect(source.id) AS sources, collect(target.id) AS targets, collect(edge.count) AS counts
}
CALL (run, class) {
  MATCH (run)-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(channel:Channel)
  OPTIONAL MATCH (class)-[active:ACTIVATES]->(channel)
  OPTIONAL MATCH (class)-[score:SCORES {name: $scores}]->(channel)
  WITH channel, active, score ORDER BY channel.layerIndex, channel.index
  RETURN collect(channel.id) AS channels, collect(channel.layerIndex) AS layers, collect(channel.excluded) AS excluded,
    collect(coalesce(active.count, 0)) AS activations, collect(coalesce(score.value, 0.0)) AS scored
}
RETURN channels, layers, excluded, activations, scored, sources, targets, counts
