// name: write_scores
// access: write
// params: class: string, run: string, name: string, positions: list<int>, values: list<float>
// columns: none
// Gives a class one score for each of some channels; a position is a channel's place in the run, by layer and index.
MATCH (:Run {id: $run})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(channel:Channel)
WITH channel ORDER BY channel.layerIndex, channel.index
WITH collect(channel) AS channels
MATCH (class:Class {id: $class})
UNWIND range(0, size($positions) - 1) AS i
WITH class, channels[$positions[i]] AS channel, $values[i] AS value
CREATE (class)-[:SCORES {name: $name, value: value}]->(channel)
