// name: channel_profile
// access: read
// params: channel: string
// columns: classes: list<string>, counts: list<int>, images: list<int>, ranks: list<float>, kept: list<bool>
// How much each class uses a channel, for those that do, by class index.
MATCH (channel:Channel {id: $channel})<-[:HAS_CHANNEL]-(:Layer)<-[:HAS_LAYER]-(:Run {state: 'complete'})
USING INDEX channel:Channel(id)
CALL (channel) {
  MATCH (channel)<-[use:ACTIVATES]-(class:Class {state: 'complete'})
  WHERE use.count > 0
  WITH class, use ORDER BY class.index
  RETURN collect(class.id) AS classes, collect(use.count) AS counts, collect(class.images) AS images,
    collect(use.rank) AS ranks, collect(use.kept) AS kept
}
RETURN classes, counts, images, ranks, kept
