// name: schema_search
// access: schema
// params: none
// columns: none
// Finds classes, layers and groups by name, word by word.
CREATE FULLTEXT INDEX arete_search IF NOT EXISTS
FOR (thing:Class|Layer|Group) ON EACH [thing.name]
