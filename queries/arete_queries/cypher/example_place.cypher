// name: example_place
// access: read
// params: channel: string, class: string?
// columns: run: string, folder: string, layer: int, channel: int, class: int?
// Where the dataset examples of a channel, of the run or of one of its classes, are to be looked up.
MATCH (run:Run {state: 'complete'})-[:HAS_LAYER]->(:Layer)-[:HAS_CHANNEL]->(channel:Channel {id: $channel})
OPTIONAL MATCH (run)-[:HAS_CLASS]->(class:Class {id: $class, state: 'complete'})
RETURN run.id AS run, run.folder AS folder, channel.layerIndex AS layer, channel.index AS channel, class.index AS class
