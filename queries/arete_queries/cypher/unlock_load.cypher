// name: unlock_load
// access: write
// params: id: string
// columns: none
// Takes a lock's node away in the transaction that made it, which may then be committed.
MATCH (load:Load {id: $id})
DELETE load
