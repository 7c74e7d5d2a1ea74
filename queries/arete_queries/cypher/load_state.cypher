// name: load_state
// access: read
// params: run: string
// columns: state: string, manifestSha256: string, numbersSha256: string, minShare: float, folder: string, ranking: string
// The loader's view of a run, whatever state it is in.
MATCH (run:Run {id: $run})
RETURN
  run.state AS state,
  run.manifestSha256 AS manifestSha256,
  coalesce(run.numbersSha256, '') AS numbersSha256,
  run.minShare AS minShare,
  run.folder AS folder,
  coalesce(run.ranking, 'computed') AS ranking
