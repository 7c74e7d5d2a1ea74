// name: schema_class_key
// access: schema
// params: none
// columns: none
// No two classes in the whole database have the same key, the small integer that their edges carry.
CREATE CONSTRAINT arete_class_key IF NOT EXISTS
FOR (class:Class) REQUIRE class.key IS UNIQUE
