// name: less_contributing
// access: read
// params: class: string, mass: float?, minShare: float, first: int
// columns: class: map, total: int, vertices: list<map>
// Channels that a class activates in at least a share of its images and that its attribution graph leaves out, the
// largest ranks first.
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
CALL (class) {
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE active.entry >= coalesce($mass, class.mass) AND NOT channel.excluded AND active.count > 0
    AND active.count >= $minShare * class.images
  WITH channel, active ORDER BY active.rank DESC, channel.layerIndex, channel.index
  WITH collect(channel {.*, count: active.count, rank: active.rank}) AS found
  RETURN size(found) AS total, found[..$first] AS vertices
}
RETURN class {.*} AS class, total, vertices
