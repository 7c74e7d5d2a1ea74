// name: channel_classes
// access: read
// params: channel: string, order: string, skip: int, first: int
// columns: total: int, classes: list<map>
// A page of the classes that use a channel, by share of their images or by its rank in them, the largest first.
MATCH (channel:Channel {id: $channel})<-[:HAS_CHANNEL]-(:Layer)<-[:HAS_LAYER]-(:Run {state: 'complete'})
USING INDEX channel:Channel(id)
CALL (channel) {
  MATCH (channel)<-[use:ACTIVATES]-(class:Class {state: 'complete'})
  WHERE use.count > 0
  RETURN count(class) AS total
}
CALL (channel) {
  MATCH (channel)<-[use:ACTIVATES]-(class:Class {state: 'complete'})
  WHERE use.count > 0
  WITH class, use
  ORDER BY CASE $order WHEN 'rank' THEN use.rank ELSE toFloat(use.count) / class.images END DESC, class.index
  SKIP $skip LIMIT $first
  RETURN collect(class {.*, useCount: use.count, useRank: use.rank}) AS classes
}
RETURN total, classes
