// name: search_parts
// access: read
// params: run: string, text: string, channel: string?, kinds: list<string>, first: int
// columns: kind: string, item: map, classes: list<string>
// The things of a complete run whose name or label holds a text, upper and lower case being the same: whole names first,
// then beginnings; and the channel that is called so. Of a group its classes too.
MATCH (run:Run {id: $run, state: 'complete'})
CALL (run) {
  MATCH (run)-[:HAS_CLASS]->(thing:Class {state: 'complete'})
  WHERE 'Class' IN $kinds AND toLower(thing.name) CONTAINS toLower($text)
  RETURN thing, thing.name AS name, 'Class' AS kind, 2 AS place
UNION ALL
  MATCH (run)-[:HAS_LAYER]->(thing:Layer)
  WHERE 'Layer' IN $kinds AND toLower(thing.name) CONTAINS toLower($text)
  RETURN thing, thing.name AS name, 'Layer' AS kind, 1 AS place
UNION ALL
  MATCH (thing:Group {run: $run})
  WHERE 'Group' IN $kinds AND toLower(thing.name) CONTAINS toLower($text)
  RETURN thing, thing.name AS name, 'Group' AS kind, 0 AS place
UNION ALL
  MATCH (run)-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(thing:Channel)
  WHERE 'Channel' IN $kinds AND (toLower(thing.label) CONTAINS toLower($text) OR thing.id = $channel)
  RETURN thing, CASE thing.id WHEN $channel THEN $text ELSE thing.label END AS name, 'Channel' AS kind, 3 AS place
}
WITH thing, kind, place, CASE
  WHEN toLower(name) = toLower($text) THEN 0
  WHEN toLower(name) STARTS WITH toLower($text) THEN 1
  WHEN toLower(name) CONTAINS ' ' + toLower($text) THEN 2
  ELSE 3
END AS fit, size(name) AS length
ORDER BY fit, place, length, thing.id
LIMIT $first
RETURN kind, thing {.*} AS item, COLLECT {
  MATCH (thing)-[:CONTAINS]->(class:Class {state: 'complete'}) RETURN class.id ORDER BY class.index
} AS classes
