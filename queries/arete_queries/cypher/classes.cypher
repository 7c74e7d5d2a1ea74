// name: classes
// access: read
// params: run: string, search: string?, kinds: list<string>?, order: string, skip: int, first: int
// columns: total: int, classes: list<map>
// A page of a complete run's classes of certain kinds whose name holds the search text, upper and lower case being the
// same.
MATCH (run:Run {id: $run, state: 'complete'})
OPTIONAL MATCH (run)-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE ($search IS NULL OR toLower(class.name) CONTAINS toLower($search)) AND ($kinds IS NULL OR class.kind IN $kinds)
WITH run, class
ORDER BY
  CASE $order WHEN 'name' THEN toLower(class.name) END,
  CASE $order WHEN 'name_desc' THEN toLower(class.name) END DESC,
  CASE $order
    WHEN 'accuracy_desc' THEN -class.accuracy
    WHEN 'accuracy_asc' THEN class.accuracy
    WHEN 'images_desc' THEN -class.images
  END,
  class.index
WITH run, collect(class) AS found
RETURN
  size(found) AS total,
  [class IN found[$skip..$skip + $first] | class {.*}] AS classes
