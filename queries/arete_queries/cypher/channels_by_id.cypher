// name: channels_by_id
// access: read
// params: channels: list<string>
// columns: channel: map
// Several channels of complete runs.
UNWIND $channels AS id
MATCH (channel:Channel {id: id})<-[:HAS_CHANNEL]-(:Layer)<-[:HAS_LAYER]-(:Run {state: 'complete'})
USING INDEX channel:Channel(id)
RETURN channel {.*} AS channel
