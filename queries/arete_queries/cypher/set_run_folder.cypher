// name: set_run_folder
// access: write idempotent
// params: run: string, folder: string
// columns: none
// Notes where a run's folder lies now.
MATCH (run:Run {id: $run})
SET run.folder = $folder
