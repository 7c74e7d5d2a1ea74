// name: schema_influences_class
// access: schema
// params: none
// columns: none
// Finds all influence edges of one class without reading those of the others.
CREATE INDEX arete_influences_class IF NOT EXISTS
FOR ()-[edge:INFLUENCES]-() ON (edge.class)
