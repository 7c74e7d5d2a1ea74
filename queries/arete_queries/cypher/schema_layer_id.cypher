// name: schema_layer_id
// access: schema
// params: none
// columns: none
// No two layers have the same id; finds a layer by it.
CREATE CONSTRAINT arete_layer_id IF NOT EXISTS
FOR (layer:Layer) REQUIRE layer.id IS UNIQUE
