// name: gds_drop
// access: read
// params: graph: string
// columns: dropped: int
// Frees a projection; nothing happens where there is none of this name.
CALL gds.graph.drop($graph, false) YIELD graphName
RETURN count(graphName) AS dropped
