// name: next_class_key
// access: read
// params: none
// columns: key: int
// The smallest key above every class's in the database; ask for it only while holding the lock on keys.
MATCH (class:Class)
RETURN coalesce(max(class.key), -1) + 1 AS key
