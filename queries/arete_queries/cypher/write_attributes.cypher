// name: write_attributes
// access: write
// params: class: int, run: string, sources: list<int>, targets: list<int>, counts: list<int>
// columns: none
// Writes edges of a class's attribution graph; sources and targets as in write_influences.
MATCH (:Run {id: $run})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(channel:Channel)
WITH channel ORDER BY channel.layerIndex, channel.index
WITH collect(channel) AS channels
UNWIND range(0, size($counts) - 1) AS i
WITH channels[$sources[i]] AS source, channels[$targets[i]] AS target, $counts[i] AS n
CREATE (source)-[:ATTRIBUTES {class: $class, count: n}]->(target)
