// name: create_channels
// access: write idempotent
// params: layer: string, channels: list<map>
// columns: none
// Makes channels of one layer.
MATCH (layer:Layer {id: $layer})
UNWIND $channels AS row
MERGE (channel:Channel {id: row.id})
SET channel += row
MERGE (layer)-[:HAS_CHANNEL]->(channel)
