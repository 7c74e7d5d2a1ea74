// name: compare_layers
// access: read
// params: a: string, b: string, massA: float, massB: float
// columns: layer: string, layerIndex: int, onlyA: int, shared: int, onlyB: int, jaccard: float?, weightedJaccard: float?
// How much two classes' kept channels overlap in each layer, counted and weighted by their share of the kept rank.
MATCH (a:Class {id: $a, state: 'complete'})
MATCH (b:Class {id: $b, state: 'complete'})
CALL (a, b) {
  CALL (a, b) {
    MATCH (a)-[active:ACTIVATES]->(channel)
    RETURN channel, active.count AS countA, 0 AS countB, active.rank AS rankA, 0.0 AS rankB,
      CASE WHEN active.entry < $massA THEN 1 ELSE 0 END AS inA, 0 AS inB
    UNION ALL
    MATCH (b)-[active:ACTIVATES]->(channel)
    RETURN channel, 0 AS countA, active.count AS countB, 0.0 AS rankA, active.rank AS rankB,
      0 AS inA, CASE WHEN active.entry < $massB THEN 1 ELSE 0 END AS inB
  }
  WITH channel, sum(countA) AS countA, sum(countB) AS countB, sum(rankA) AS rankA, sum(rankB) AS rankB,
    sum(inA) AS inA, sum(inB) AS inB
  WHERE inA + inB > 0
  WITH channel.layerIndex AS layerIndex, collect({inA: inA, inB: inB, rankA: rankA, rankB: rankB}) AS kept,
    sum(inA * rankA) AS totalA, sum(inB * rankB) AS totalB
  UNWIND kept AS one
  WITH layerIndex, one.inA AS inA, one.inB AS inB,
    CASE WHEN one.inA > 0 THEN one.rankA / totalA ELSE 0.0 END AS shareA,
    CASE WHEN one.inB > 0 THEN one.rankB / totalB ELSE 0.0 END AS shareB
  WITH layerIndex, sum(inA * (1 - inB)) AS onlyA, sum(inA * inB) AS shared, sum(inB * (1 - inA)) AS onlyB,
    sum(CASE WHEN shareA < shareB THEN shareA ELSE shareB END) AS least,
    sum(CASE WHEN shareA < shareB THEN shareB ELSE shareA END) AS most
  RETURN collect({layerIndex: layerIndex, onlyA: onlyA, shared: shared, onlyB: onlyB,
    jaccard: toFloat(shared) / (onlyA + shared + onlyB), weightedJaccard: least / most}) AS overlaps
}
MATCH (a)<-[:HAS_CLASS]-(:Run {state: 'complete'})-[:HAS_LAYER]->(layer:Layer)
WITH layer, head([one IN overlaps WHERE one.layerIndex = layer.index]) AS overlap
RETURN layer.name AS layer, layer.index AS layerIndex, coalesce(overlap.onlyA, 0) AS onlyA,
  coalesce(overlap.shared, 0) AS shared, coalesce(overlap.onlyB, 0) AS onlyB, overlap.jaccard AS jaccard,
  overlap.weightedJaccard AS weightedJaccard
ORDER BY layerIndex
