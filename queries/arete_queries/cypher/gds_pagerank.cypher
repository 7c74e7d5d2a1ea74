// name: gds_pagerank
// access: read
// params: class: string, graph: string, damping: float, iterations: int, tolerance: float
// columns: channels: list<string>, scores: list<float>
// Walks from the class's node; scores are in proportion to personalized PageRank, channels that are never reached left out.
MATCH (class:Class {id: $class})
CALL gds.pageRank.stream($graph, {
  sourceNodes: [class],
  relationshipWeightProperty: 'weight',
  dampingFactor: $damping,
  maxIterations: $iterations,
  tolerance: $tolerance,
  scaler: 'None'
}) YIELD nodeId, score
WITH gds.util.asNode(nodeId) AS node, score
WHERE node:Channel AND score > 0
RETURN collect(node.id) AS channels, collect(score) AS scores
