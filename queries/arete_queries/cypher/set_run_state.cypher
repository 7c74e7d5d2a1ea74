// name: set_run_state
// access: write idempotent
// params: run: string, state: string
// columns: none
// Sets a run's state.
MATCH (run:Run {id: $run})
SET run.state = $state
