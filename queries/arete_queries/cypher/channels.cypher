// name: channels
// access: read
// params: layer: string, from: int, first: int
// columns: total: int, channels: list<map>
// A page of a layer's channels, from an index on.
MATCH (:Run {state: 'complete'})-[:HAS_LAYER]->(layer:Layer {id: $layer})
CALL (layer) {
  MATCH (layer)-[:HAS_CHANNEL]->(channel:Channel)
  WHERE channel.index >= $from
  WITH channel ORDER BY channel.index LIMIT $first
  RETURN collect(channel {.*}) AS channels
}
RETURN layer.channels AS total, channels
