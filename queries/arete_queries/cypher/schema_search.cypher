// name: schema_search
// access: schema
// params: none
// columns: none
// Finds classes, layers and groups by name, and channels by label, word by word.
CREATE FULLTEXT INDEX arete_search IF NOT EXISTS
FOR (thing:Class|Layer|Group|Channel) ON EACH [thing.name, thing.label]
