// name: schema_attributes_class
// access: schema
// params: none
// columns: none
// Finds the edges of one class's attribution graph without reading those of the others.
CREATE INDEX arete_attributes_class IF NOT EXISTS
FOR ()-[edge:ATTRIBUTES]-() ON (edge.class)
