// name: ping
// access: read
// params: none
// columns: one: int
// Whether the database answers.
RETURN 1 AS one
