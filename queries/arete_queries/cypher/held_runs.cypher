// name: held_runs
// access: read
// params: none
// columns: run: string, state: string, manifestSha256: string, numbersSha256: string, minShare: float, folder: string
// Every run in the database in the order of loading, whatever state it is in.
MATCH (run:Run)
OPTIONAL MATCH (run)-[:HAS_CLASS]->(class:Class)
WITH run, min(class.key) AS firstKey
ORDER BY firstKey, run.id
RETURN
  run.id AS run,
  run.state AS state,
  run.manifestSha256 AS manifestSha256,
  coalesce(run.numbersSha256, '') AS numbersSha256,
  run.minShare AS minShare,
  run.folder AS folder
