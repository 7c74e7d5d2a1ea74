// name: channel_in_class
// access: read
// params: class: string, channel: string, first: int
// columns: class: map, channel: map, count: int, rank: float, rankInLayer: int, inputs: list<map>, outputs: list<map>, otherClasses: list<map>
// One channel seen from one class: its counts, its strongest inputs and outputs, and the other classes that use it most.
MATCH (run:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
MATCH (channel:Channel {id: $channel})<-[:HAS_CHANNEL]-(:Layer)<-[:HAS_LAYER]-(run)
USING INDEX channel:Channel(id)
OPTIONAL MATCH (class)-[active:ACTIVATES]->(channel)
WITH class, channel, coalesce(active.count, 0) AS count, coalesce(active.rank, 0.0) AS rank
CALL (class, channel, rank) {
  MATCH (class)-[other:ACTIVATES]->(peer)
  WHERE other.rank > rank AND peer.layerIndex = channel.layerIndex
  RETURN count(peer) + 1 AS rankInLayer
}
CALL (class, channel) {
  MATCH (source)-[edge:INFLUENCES]->(channel)
  WHERE edge.class = class.key
  WITH source, edge.count AS edgeCount ORDER BY edgeCount DESC, source.layerIndex, source.index LIMIT $first
  RETURN collect(source {.*, count: edgeCount}) AS inputs
}
CALL (class, channel) {
  MATCH (channel)-[edge:INFLUENCES]->(target)
  WHERE edge.class = class.key
  WITH target, edge.count AS edgeCount ORDER BY edgeCount DESC, target.layerIndex, target.index LIMIT $first
  RETURN collect(target {.*, count: edgeCount}) AS outputs
}
CALL (class, channel) {
  MATCH (channel)<-[use:ACTIVATES]-(other)
  WHERE other <> class AND other.state = 'complete' AND use.count > 0
  WITH other, use ORDER BY toFloat(use.count) / other.images DESC, use.rank DESC, other.index LIMIT $first
  RETURN collect(other {.*, useCount: use.count, useRank: use.rank}) AS otherClasses
}
RETURN class {.*} AS class, channel {.*} AS channel, count, rank, rankInLayer, inputs, outputs, otherClasses
