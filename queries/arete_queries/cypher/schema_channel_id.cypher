// name: schema_channel_id
// access: schema
// params: none
// columns: none
// No two channels have the same id; finds a channel by it.
CREATE CONSTRAINT arete_channel_id IF NOT EXISTS
FOR (channel:Channel) REQUIRE channel.id IS UNIQUE
