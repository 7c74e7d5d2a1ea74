// name: write_examples
// access: write idempotent
// params: run: string, channels: list<string>, ranks: list<int>, activations: list<float>, images: list<map>
// columns: none
// Gives channels dataset examples; parallel lists, in which an image may occur again.
UNWIND range(0, size($channels) - 1) AS i
MATCH (channel:Channel {id: $channels[i]})
MERGE (image:Image {id: $images[i].id})
SET image += $images[i], image.run = $run
MERGE (channel)-[example:EXAMPLE {rank: $ranks[i]}]->(image)
SET example.activation = $activations[i]
