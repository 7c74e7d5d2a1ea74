// name: set_run_manifest
// access: write idempotent
// params: run: string, manifestSha256: string
// columns: none
// Notes which state of its run folder a run is that of.
MATCH (run:Run {id: $run})
SET run.manifestSha256 = $manifestSha256
