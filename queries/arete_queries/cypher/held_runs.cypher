// name: held_runs
// access: read
// params: none
// columns: run: string, state: string, manifestSha256: string, numbersSha256: string, minShare: float, folder: string
// Every run in the database in the order of loading, whatever state it is in.
MATCH (run:Run)
RETURN
  run.id AS run,
  run.state AS state,
  run.manifestSha256 AS manifestSha256,
  coalesce(run.numbersSha256, '') AS numbersSha256,
  run.minShare AS minShare,
  run.folder AS folder
ORDER BY COLLECT { MATCH (run)-[:HAS_CLASS]->(class:Class) RETURN min(class.key) }[0], run
