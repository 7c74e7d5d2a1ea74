// name: schema_search_labels
// access: schema
// params: none
// columns: none
// Finds channels by label, word by word.
CREATE FULLTEXT INDEX arete_search_labels IF NOT EXISTS
FOR (channel:Channel) ON EACH [channel.label]
