// name: channel
// access: read
// params: channel: string
// columns: channel: map
// One channel of a complete run.
MATCH (:Run {state: 'complete'})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(channel:Channel {id: $channel})
RETURN channel {.*} AS channel
