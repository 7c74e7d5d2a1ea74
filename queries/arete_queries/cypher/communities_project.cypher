// name: communities_project
// access: read
// params: graph: string, run: string, atLeast: int
// columns: nodes: int, relationships: int
// Projects the channels of a run for communities: two are joined, undirected, where the attribution graphs of at least
// so many classes keep both, weighted by the number of these classes.
MATCH (:Run {id: $run, state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
MATCH (class)-[active:ACTIVATES]->(channel)
WHERE active.kept
WITH class, channel ORDER BY channel.layerIndex, channel.index
WITH class, collect(channel) AS kept
UNWIND range(0, size(kept) - 2) AS i
UNWIND range(i + 1, size(kept) - 1) AS j
WITH kept[i] AS one, kept[j] AS other, count(*) AS together
WHERE together >= $atLeast
WITH one, other, together
ORDER BY one.layerIndex, one.index, other.layerIndex, other.index
WITH gds.graph.project(
  $graph, one, other, {relationshipProperties: {together: toFloat(together)}}, {undirectedRelationshipTypes: ['*']}
) AS projected
RETURN projected.nodeCount AS nodes, projected.relationshipCount AS relationships
