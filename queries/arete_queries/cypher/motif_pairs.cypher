// name: motif_pairs
// access: read
// params: run: string
// columns: sources: list<int>, targets: list<int>
// Every pair of channels that an edge joins in any class's attribution graph of the run; a channel is
// layer index * 1,000,000 + index. What motifs there could be at all.
MATCH (:Run {id: $run, state: 'complete'})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(source:Channel)
MATCH (source)-[:ATTRIBUTES]->(target)
WITH DISTINCT source, target
RETURN collect(source.layerIndex * 1000000 + source.index) AS sources,
  collect(target.layerIndex * 1000000 + target.index) AS targets
