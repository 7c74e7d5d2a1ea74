// name: excluded_channels
// access: read
// params: run: string
// columns: id: string, layer: int, index: int, reason: string?
// The excluded channels of a run, whatever state it is in.
MATCH (:Run {id: $run})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(channel:Channel {excluded: true})
RETURN channel.id AS id, channel.layerIndex AS layer, channel.index AS index, channel.reason AS reason
ORDER BY layer, index
