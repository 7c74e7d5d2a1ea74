// name: schema_load_id
// access: schema
// params: none
// columns: none
// Makes a second loader of the same run wait for the first one; see lock_load.
CREATE CONSTRAINT arete_load_id IF NOT EXISTS
FOR (load:Load) REQUIRE load.id IS UNIQUE
