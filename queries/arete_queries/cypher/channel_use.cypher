// name: channel_use
// access: read
// params: run: string, layer: string?, order: string, first: int
// columns: total: int, channels: list<map>
// How a run's channels are used by its classes: by how many kept, mean rank, and how many classes share its rank (the
// exponential of the entropy of the classes' parts of it), those used by most first or those used by fewest.
MATCH (run:Run {id: $run, state: 'complete'})
CALL (run) {
  MATCH (run)-[:HAS_CLASS]->(class:Class {state: 'complete'})
  RETURN count(class) AS total
}
CALL (run, total) {
  MATCH (run)-[:HAS_LAYER]->(layer:Layer)-[:HAS_CHANNEL]->(channel:Channel)
  WHERE $layer IS NULL OR layer.id = $layer
  MATCH (channel)<-[active:ACTIVATES]-(class:Class)
  WHERE active.rank > 0 AND class.state = 'complete'
  WITH channel, total, count(CASE WHEN active.kept THEN 1 END) AS keptBy, sum(active.rank) AS mass,
    sum(active.rank * log(active.rank)) AS logs
  WITH channel, keptBy, mass / total AS meanRank, exp(log(mass) - logs / mass) AS effectiveClasses
  ORDER BY
    CASE $order WHEN 'general' THEN -keptBy WHEN 'central' THEN -meanRank END,
    CASE $order WHEN 'special' THEN effectiveClasses ELSE -effectiveClasses END,
    CASE $order WHEN 'special' THEN -meanRank END,
    channel.layerIndex, channel.index
  LIMIT $first
  RETURN collect(channel {.*, keptBy: keptBy, meanRank: meanRank, effectiveClasses: effectiveClasses}) AS channels
}
RETURN total, channels
