// name: search_words
// access: read
// params: run: string, query: string, kinds: list<string>, first: int
// columns: kind: string, item: map, classes: list<string>, score: float
// The things of a complete run that a full-text query finds, best first; of a group its classes too. $query is Lucene's.
MATCH (run:Run {id: $run, state: 'complete'})
CALL (run) {
  CALL db.index.fulltext.queryNodes('arete_search', $query) YIELD node, score
  RETURN node, score
UNION ALL
  CALL db.index.fulltext.queryNodes('arete_search_labels', $query) YIELD node, score
  RETURN node, score
}
WITH node, score, head(labels(node)) AS kind
WHERE kind IN $kinds AND node.id STARTS WITH $run + '/' AND (kind <> 'Class' OR node.state = 'complete')
WITH node, score, kind ORDER BY score DESC, node.id LIMIT $first
RETURN kind, node {.*} AS item, COLLECT {
  MATCH (node)-[:CONTAINS]->(class:Class {state: 'complete'}) RETURN class.id ORDER BY class.index
} AS classes, score
