// name: communities
// access: read
// params: graph: string, gamma: float
// columns: community: int, channels: list<map>
// Communities of a projection's channels by the Leiden algorithm, largest first.
CALL gds.leiden.stream($graph, {
  relationshipWeightProperty: 'together',
  gamma: $gamma,
  randomSeed: 1,
  concurrency: 1
}) YIELD nodeId, communityId
WITH communityId, gds.util.asNode(nodeId) AS channel
ORDER BY channel.layerIndex, channel.index
WITH communityId, collect(channel {.*}) AS channels
RETURN communityId AS community, channels
ORDER BY size(channels) DESC, channels[0].layerIndex, channels[0].index
