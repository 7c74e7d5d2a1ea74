// name: motif_pairs_at_mass
// access: read
// params: run: string, mass: float
// columns: sources: list<int>, targets: list<int>
// Every pair of channels that an edge joins in any class's graph of the run, all at one mass; a channel is
// layer index * 1,000,000 + index. What motifs there could be at all.
MATCH (:Run {id: $run, state: 'complete'})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(target:Channel)
CALL (target) {
  MATCH (class)-[active:ACTIVATES]->(target)
  WHERE active.entry < $mass
  RETURN collect(class.key) AS keptBy
}
MATCH (source)-[edge:INFLUENCES]->(target)
WHERE edge.class IN keptBy
WITH source, target, collect(edge.class) AS found
WITH source, collect({target: target, keys: found}) AS into
CALL (source) {
  MATCH (class)-[active:ACTIVATES]->(source)
  WHERE active.entry < $mass
  RETURN collect(class.key) AS keptBy
}
UNWIND into AS one
WITH source, one.target AS target, one.keys AS found, keptBy
WHERE any(key IN found WHERE key IN keptBy)
RETURN collect(source.layerIndex * 1000000 + source.index) AS sources,
  collect(target.layerIndex * 1000000 + target.index) AS targets
