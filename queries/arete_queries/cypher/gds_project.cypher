// name: gds_project
// access: read
// params: class: string, graph: string, minShare: float, seeds: list<string>?
// columns: nodes: int, relationships: int
// Projects a class for PageRank: its influence edges both ways round, and from the class's own node an edge to each
// channel where the walk restarts, weighted by A over the layer's largest A, or by 1 to each of the seeds.
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
CALL (class) {
  MATCH (one)-[edge:INFLUENCES {class: class.key}]->(other)
  WHERE edge.count >= $minShare * class.images AND NOT one.excluded AND NOT other.excluded
  UNWIND [[one, other], [other, one]] AS ends
  RETURN ends[0] AS source, ends[1] AS target, toFloat(edge.count) AS weight
  UNION ALL
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE active.count > 0 AND NOT channel.excluded AND $seeds IS NULL
  WITH class, channel.layerIndex AS layer, max(active.count) AS largest, collect([channel, active.count]) AS own
  UNWIND own AS one
  RETURN class AS source, one[0] AS target, toFloat(one[1]) / largest AS weight
  UNION ALL
  UNWIND coalesce($seeds, []) AS seed
  MATCH (channel:Channel {id: seed})
  WHERE NOT channel.excluded
  RETURN class AS source, channel AS target, 1.0 AS weight
}
WITH gds.graph.project($graph, source, target, {relationshipProperties: {weight: weight}}) AS projected
RETURN projected.nodeCount AS nodes, projected.relationshipCount AS relationships
