// name: run_folders
// access: read
// params: none
// columns: folders: list<string>
// Where the run folders lie whose runs are loaded; asked for often, with the bookmark that names the state of the data.
MATCH (run:Run {state: 'complete'})
RETURN collect(run.folder) AS folders
