// name: write_influences
// access: write
// params: class: int, run: string, sources: list<int>, targets: list<int>, counts: list<int>
// columns: none
// Writes influence edges of a class; sources and targets are channels' places in the run, by layer and index.
MATCH (:Run {id: $run})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(channel:Channel)
WITH channel ORDER BY channel.layerIndex, channel.index
WITH collect(channel) AS channels
UNWIND range(0, size($counts) - 1) AS i
WITH channels[$sources[i]] AS source, channels[$targets[i]] AS target, $counts[i] AS n
CREATE (source)-[:INFLUENCES {class: $class, count: n}]->(target)
