// name: overlap_layers
// access: read
// params: a: list<string>, b: list<string>, mass: float?, atLeastA: int, atLeastB: int
// columns: layer: string, layerIndex: int, onlyA: int, shared: int, onlyB: int, inAny: int, inAll: int, jaccard: float?, weightedJaccard: float?
// How much the graphs of two sets of classes overlap in each layer or, where $b is empty, those of one set's classes:
// kept channels are counted, and weighted by their share of the layer's kept rank (averaged over a side's classes).
MATCH (run:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE class.id IN $a + $b
WITH run, collect({
  class: class,
  a: CASE WHEN class.id IN $a THEN 1 ELSE 0 END,
  b: CASE WHEN class.id IN $b THEN 1 ELSE 0 END
}) AS sides
CALL (sides) {
  UNWIND sides AS side
  WITH side.class AS class, side.a AS a, side.b AS b
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE active.entry < coalesce($mass, class.mass)
  WITH class, a, b, channel.layerIndex AS layerIndex, collect(channel) AS channels, collect(active.rank) AS ranks,
    sum(active.rank) AS total
  UNWIND range(0, size(ranks) - 1) AS i
  WITH layerIndex, channels[i] AS channel, a, b, ranks[i] / total AS share
  WITH layerIndex, channel, sum(a) AS inA, sum(b) AS inB, min(share) AS least, max(share) AS most,
    sum(a * share) / size($a) AS meanA,
    CASE size($b) WHEN 0 THEN 0.0 ELSE sum(b * share) / size($b) END AS meanB
  WITH layerIndex, inA, inB, inA >= $atLeastA AS sideA, size($b) > 0 AND inB >= $atLeastB AS sideB,
    CASE
      WHEN size($b) > 0 THEN CASE WHEN meanA < meanB THEN meanA ELSE meanB END
      WHEN inA = size($a) THEN least
      ELSE 0.0
    END AS least,
    CASE WHEN size($b) > 0 THEN CASE WHEN meanA < meanB THEN meanB ELSE meanA END ELSE most END AS most
  WITH layerIndex, count(CASE WHEN sideA AND NOT sideB THEN 1 END) AS onlyA,
    count(CASE WHEN sideA AND sideB THEN 1 END) AS shared, count(CASE WHEN sideB AND NOT sideA THEN 1 END) AS onlyB,
    count(*) AS inAny, count(CASE WHEN inA = size($a) AND inB = size($b) THEN 1 END) AS inAll,
    sum(least) AS least, sum(most) AS most
  WITH *, CASE size($b) WHEN 0 THEN inAll ELSE shared END AS common,
    CASE size($b) WHEN 0 THEN inAny ELSE onlyA + shared + onlyB END AS any
  RETURN collect({layerIndex: layerIndex, onlyA: onlyA, shared: shared, onlyB: onlyB, inAny: inAny, inAll: inAll,
    jaccard: CASE any WHEN 0 THEN null ELSE toFloat(common) / any END, weightedJaccard: least / most}) AS overlaps
}
MATCH (run)-[:HAS_LAYER]->(layer:Layer)
WITH layer, head([one IN overlaps WHERE one.layerIndex = layer.index]) AS overlap
RETURN layer.name AS layer, layer.index AS layerIndex, coalesce(overlap.onlyA, 0) AS onlyA,
  coalesce(overlap.shared, 0) AS shared, coalesce(overlap.onlyB, 0) AS onlyB, coalesce(overlap.inAny, 0) AS inAny,
  coalesce(overlap.inAll, 0) AS inAll, overlap.jaccard AS jaccard, overlap.weightedJaccard AS weightedJaccard
ORDER BY layerIndex
