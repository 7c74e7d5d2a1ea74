// name: await_indexes
// access: read
// params: seconds: int
// columns: none
// Returns when every index can be used.
CALL db.awaitIndexes($seconds)
