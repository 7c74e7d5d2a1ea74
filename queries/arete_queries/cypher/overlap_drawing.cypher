// name: overlap_drawing
// access: read
// params: a: list<string>, b: list<string>, mass: float?, minShare: float, atLeastA: int, atLeastB: int, memberships: list<string>
// columns: channels: list<node>, edges: list<relationship>
// What graphs of several classes have in common or apart, for Neo4j Browser to draw (switch off "Connect result nodes").
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE class.id IN $a + $b
WITH collect({
  class: class,
  a: CASE WHEN class.id IN $a THEN 1 ELSE 0 END,
  b: CASE WHEN class.id IN $b THEN 1 ELSE 0 END
}) AS sides
// The edges come first: a hash join is charged for whatever its rows already carry, thousands of times the vertices.
CALL (sides) {
  UNWIND sides AS side
  CALL (side) {
    WITH side.class AS class
    MATCH (class)-[one:ACTIVATES]->(source) WHERE one.entry < coalesce($mass, class.mass)
    MATCH (class)-[other:ACTIVATES]->(target) WHERE other.entry < coalesce($mass, class.mass)
    MATCH (source)-[edge:INFLUENCES {class: class.key}]->(target)
    USING INDEX edge:INFLUENCES(class)
    USING JOIN ON source
    USING JOIN ON target
    WHERE edge.count >= $minShare * class.images
    RETURN source, edge, target
  }
  WITH source, edge, target, side.a AS a, side.b AS b
  WITH source, target, sum(a) AS inA, sum(b) AS inB, collect(edge) AS parallel
  WITH *, inA >= $atLeastA AS sideA, size($b) > 0 AND inB >= $atLeastB AS sideB
  WITH *, CASE WHEN sideA AND sideB THEN 'shared' WHEN sideA THEN 'only_a' WHEN sideB THEN 'only_b' END AS membership
  WHERE membership IN $memberships
  UNWIND parallel AS edge
  RETURN collect(DISTINCT edge) AS edges
}
CALL (sides) {
  UNWIND sides AS side
  WITH side.class AS class, side.a AS a, side.b AS b
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE active.entry < coalesce($mass, class.mass)
  WITH channel, sum(a) AS inA, sum(b) AS inB
  WITH *, inA >= $atLeastA AS sideA, size($b) > 0 AND inB >= $atLeastB AS sideB
  WITH *, CASE WHEN sideA AND sideB THEN 'shared' WHEN sideA THEN 'only_a' WHEN sideB THEN 'only_b' END AS membership
  WHERE membership IN $memberships
  RETURN collect(channel) AS channels
}
RETURN channels, edges
