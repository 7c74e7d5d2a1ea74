// name: compare_graphs_at_mass
// access: read
// params: a: string, b: string, massA: float, massB: float, minShare: float, memberships: list<string>
// columns: a: map, b: map, vertices: list<map>, sources: list<string>, targets: list<string>, countsA: list<int>, countsB: list<int>
// Two attribution graphs at given masses, laid over each other: the vertices and edges of the wanted memberships.
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(a:Class {id: $a, state: 'complete'})
MATCH (:Run {state: 'complete'})-[:HAS_CLASS]->(b:Class {id: $b, state: 'complete'})
// The edges come first: a hash join is charged for whatever its rows already carry, thousands of times the vertices.
CALL (a, b) {
  CALL (a, b) {
    MATCH (a)-[one:ACTIVATES]->(source) WHERE one.entry < $massA
    MATCH (a)-[other:ACTIVATES]->(target) WHERE other.entry < $massA
    MATCH (source)-[edge:INFLUENCES {class: a.key}]->(target)
    USING INDEX edge:INFLUENCES(class)
    USING JOIN ON source
    USING JOIN ON target
    WHERE edge.count >= $minShare * a.images
    RETURN source, target, edge, edge.count AS countA, 0 AS countB
    UNION ALL
    MATCH (b)-[one:ACTIVATES]->(source) WHERE one.entry < $massB
    MATCH (b)-[other:ACTIVATES]->(target) WHERE other.entry < $massB
    MATCH (source)-[edge:INFLUENCES {class: b.key}]->(target)
    USING INDEX edge:INFLUENCES(class)
    USING JOIN ON source
    USING JOIN ON target
    WHERE edge.count >= $minShare * b.images
    RETURN source, target, edge, 0 AS countA, edge.count AS countB
  }
  WITH source, target, sum(countA) AS countA, sum(countB) AS countB
  WITH source, target, countA, countB, countA AS inA, countB AS inB
  WITH *, CASE WHEN inA > 0 AND inB > 0 THEN 'shared' WHEN inA > 0 THEN 'only_a' ELSE 'only_b' END AS membership
  WHERE membership IN $memberships
  RETURN
    collect(source.id) AS sources, collect(target.id) AS targets,
    collect(countA) AS countsA, collect(countB) AS countsB
}
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
  WITH *, CASE WHEN inA > 0 AND inB > 0 THEN 'shared' WHEN inA > 0 THEN 'only_a' ELSE 'only_b' END AS membership
  WHERE membership IN $memberships
  RETURN collect(channel {.*, membership, countA, countB, rankA, rankB}) AS vertices
}
RETURN a {.*} AS a, b {.*} AS b, vertices, sources, targets, countsA, countsB
