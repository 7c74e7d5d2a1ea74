// name: write_activations
// access: write
// params: class: int, run: string, positions: list<int>, counts: list<int>, ranks: list<float>, entries: list<float>, kept: list<bool>
// columns: none
// Writes activation counts and ranks of a class; a position is a channel's place in the run, by layer and index.
MATCH (:Run {id: $run})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(channel:Channel)
WITH channel ORDER BY channel.layerIndex, channel.index
WITH collect(channel) AS channels
MATCH (class:Class {key: $class})
UNWIND range(0, size($positions) - 1) AS i
WITH class, channels[$positions[i]] AS channel, i
CREATE (class)-[:ACTIVATES {count: $counts[i], rank: $ranks[i], entry: $entries[i], kept: $kept[i]}]->(channel)
