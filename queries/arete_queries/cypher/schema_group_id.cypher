// name: schema_group_id
// access: schema
// params: none
// columns: none
// No two groups have the same id; finds a group by it.
CREATE CONSTRAINT arete_group_id IF NOT EXISTS
FOR (group:Group) REQUIRE group.id IS UNIQUE
