// name: classes
// access: read
// params: run: string, search: string?, order: string, skip: int, first: int
// columns: total: int, classes: list<map>
// A page of a complete run's classes whose name holds the search text, upper and lower case being the same.
MATCH (run:Run {id: $run, state: 'complete'})
OPTIONAL MATCH (run)-[:HAS_CLASS]->(class:Class {state: 'complete'})
WHERE $search IS NULL OR toLower(class.name) CONTAINS toLower($search)
WITH run, class
ORDER BY
  CASE $order WHEN 'name' THEN toLower(class.name) END,
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
