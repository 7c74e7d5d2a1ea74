// name: gds_project
// access: read
// params: class: string, graph: string, minShare: float, seeds: list<string>?, weights: list<float>?, scores: string?, excluded: list<string>
// columns: nodes: int, relationships: int
// Projects a class for PageRank: its influence edges both ways round, and from the class's own node an edge to each
// channel where the walk restarts, weighted by A over the layer's largest A, or by a seed's weight, or by a score.
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
OPTIONAL MATCH (out:Channel)
WHERE out.id IN $excluded
WITH class, collect(out) AS excluded
CALL (class, excluded) {
  MATCH (one)-[edge:INFLUENCES {class: class.key}]->(other)
  WHERE edge.count >= $minShare * class.images AND NOT one.excluded AND NOT other.excluded
    AND NOT one IN excluded AND NOT other IN excluded
  UNWIND [[one, other], [other, one]] AS ends
  RETURN ends[0] AS source, ends[1] AS target, toFloat(edge.count) AS weight
  UNION ALL
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE active.count > 0 AND NOT channel.excluded AND NOT channel IN excluded AND $seeds IS NULL AND $scores IS NULL
  WITH class, channel.layerIndex AS layer, max(active.count) AS largest, collect([channel, active.count]) AS own
  UNWIND own AS one
  RETURN class AS source, one[0] AS target, toFloat(one[1]) / largest AS weight
  UNION ALL
  UNWIND range(0, size(coalesce($seeds, [])) - 1) AS i
  MATCH (channel:Channel {id: $seeds[i]})
  WHERE NOT channel.excluded AND NOT channel IN excluded AND $weights[i] > 0
  RETURN class AS source, channel AS target, $weights[i] AS weight
  UNION ALL
  MATCH (class)-[score:SCORES {name: $scores}]->(channel)
  WHERE score.value > 0 AND NOT channel.excluded AND NOT channel IN excluded
  RETURN class AS source, channel AS target, score.value AS weight
}
WITH gds.graph.project($graph, source, target, {relationshipProperties: {weight: weight}}) AS projected
RETURN projected.nodeCount AS nodes, projected.relationshipCount AS relationships
