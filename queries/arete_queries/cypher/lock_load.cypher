// name: lock_load
// access: write
// params: id: string
// columns: none
// Holds a run, or the handing out of class keys, until the surrounding transaction ends: a second transaction that asks
// for the same id waits at the uniqueness constraint. Never committed, so that a killed loader leaves no lock behind.
MERGE (:Load {id: $id})
