// name: label_channel
// access: write idempotent
// params: channel: string, label: string?
// columns: channel: map
// Gives a channel of a complete run a label, or takes it away.
MATCH (channel:Channel {id: $channel})<-[:HAS_CHANNEL]-(:Layer)<-[:HAS_LAYER]-(:Run {state: 'complete'})
USING INDEX channel:Channel(id)
SET channel.label = $label
RETURN channel {.*} AS channel
