// name: schema_class_id
// access: schema
// params: none
// columns: none
// No two classes have the same id; finds a class by it.
CREATE CONSTRAINT arete_class_id IF NOT EXISTS
FOR (class:Class) REQUIRE class.id IS UNIQUE
