// name: overlap_graphs_at_mass
// access: read
// params: a: list<string>, b: list<string>, mass: float, minShare: float, atLeastA: int, atLeastB: int, memberships: list<string>
// columns: runs: list<string>, classes: list<map>, vertices: list<map>, sources: list<string>, targets: list<string>, edgeMemberships: list<string>, edgesInA: list<int>, edgesInB: list<int>, countsA: list<int>, countsB: list<int>
// Which vertices and edges are in the graphs, all at one mass, of at least so many classes of one set and of another,
// with how many classes have them and sums of rank and count over these.
MATCH (run:Run {state: 'complete'})-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE class.id IN $a + $b
WITH collect(DISTINCT run.id) AS runs, collect({
  class: class,
  a: CASE WHEN class.id IN $a THEN 1 ELSE 0 END,
  b: CASE WHEN class.id IN $b THEN 1 ELSE 0 END
}) AS sides
// The edges come first: a hash join is charged for whatever its rows already carry, thousands of times the vertices.
CALL (sides) {
  UNWIND sides AS side
  CALL (side) {
    WITH side.class AS class
    MATCH (class)-[one:ACTIVATES]->(source) WHERE one.entry < $mass
    MATCH (class)-[other:ACTIVATES]->(target) WHERE other.entry < $mass
    MATCH (source)-[edge:INFLUENCES {class: class.key}]->(target)
    USING INDEX edge:INFLUENCES(class)
    USING JOIN ON source
    USING JOIN ON target
    WHERE edge.count >= $minShare * class.images
    RETURN source, edge, target
  }
  WITH source, edge, target, side.a AS a, side.b AS b
  WITH source, target, sum(a) AS inA, sum(b) AS inB, sum(a * edge.count) AS countA, sum(b * edge.count) AS countB
  WITH *, inA >= $atLeastA AS sideA, size($b) > 0 AND inB >= $atLeastB AS sideB
  WITH *, CASE WHEN sideA AND sideB THEN 'shared' WHEN sideA THEN 'only_a' WHEN sideB THEN 'only_b' END AS membership
  WHERE membership IN $memberships
  RETURN collect(source.id) AS sources, collect(target.id) AS targets, collect(membership) AS edgeMemberships,
    collect(inA) AS edgesInA, collect(inB) AS edgesInB, collect(countA) AS countsA, collect(countB) AS countsB
}
CALL (sides) {
  UNWIND sides AS side
  WITH side.class AS class, side.a AS a, side.b AS b
  MATCH (class)-[active:ACTIVATES]->(channel)
  WHERE active.entry < $mass
  WITH channel, sum(a) AS inA, sum(b) AS inB, sum(a * active.rank) AS rankA, sum(b * active.rank) AS rankB,
    sum(a * active.count) AS countA, sum(b * active.count) AS countB
  WITH *, inA >= $atLeastA AS sideA, size($b) > 0 AND inB >= $atLeastB AS sideB
  WITH *, CASE WHEN sideA AND sideB THEN 'shared' WHEN sideA THEN 'only_a' WHEN sideB THEN 'only_b' END AS membership
  WHERE membership IN $memberships
  RETURN collect(channel {.*, membership, inA, inB, rankA, rankB, countA, countB}) AS vertices
}
RETURN runs, [side IN sides | properties(side.class)] AS classes, vertices, sources, targets, edgeMemberships, edgesInA, edgesInB,
  countsA, countsB
