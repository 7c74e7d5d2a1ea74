// name: mark_excluded
// access: write idempotent
// params: run: string, channels: list<string>, excluded: bool, reason: string?
// columns: channels: int, classes: int
// Excludes channels of a run or takes them in again, and marks the classes that have to be ranked anew for it.
MATCH (:Run {id: $run})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(channel:Channel)
WHERE channel.id IN $channels AND channel.excluded <> $excluded
SET channel.excluded = $excluded, channel.reason = $reason
WITH collect(channel) AS channels
CALL (channels) {
  UNWIND channels AS channel
  MATCH (channel)-[edge:INFLUENCES]-()
  RETURN collect(DISTINCT edge.class) AS keys
}
CALL (channels, keys) {
  MATCH (:Run {id: $run})-[:HAS_CLASS]->(class:Class)
  WHERE class.key IN keys OR any(channel IN channels WHERE EXISTS { (class)-[:ACTIVATES]->(channel) })
  SET class.stale = true
  RETURN count(*) AS classes
}
RETURN size(channels) AS channels, classes
