// name: channel
// access: read
// params: channel: string
// columns: channel: map
// One channel of a complete run.
MATCH (channel:Channel {id: $channel})<-[:HAS_CHANNEL]-(:Layer)<-[:HAS_LAYER]-(:Run {state: 'complete'})
USING INDEX channel:Channel(id)
RETURN channel {.*} AS channel
