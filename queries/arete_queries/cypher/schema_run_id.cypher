// name: schema_run_id
// access: schema
// params: none
// columns: none
// No two runs have the same id; finds a run by it.
CREATE CONSTRAINT arete_run_id IF NOT EXISTS
FOR (run:Run) REQUIRE run.id IS UNIQUE
