"""Deletes runs from the database, in batches that any size of run leaves room for."""

from arete_core.errors import NotFoundError
from arete_core.progress import Progress, SilentProgress
from arete_queries.graph_schema import prepare_schema
from arete_queries.hold import hold_run
from arete_queries.runner import QueryRunner
from arete_queries.write_class import clear_class, delete_all


async def delete_run(runner: QueryRunner, run: str, *, progress: Progress | None = None) -> None:
    """Deletes a run in batches; readers no longer see it from the first moment on.

    Args:
        runner: The database.
        run: The run's id, complete or not.
        progress: Told class by class.

    Raises:
        NotFoundError: If the database holds nothing of such a run.
        RunConflictError: If a loader is at work on it.
        DatabaseError: If the database fails or cannot be reached; the same call goes on then.
    """
    await prepare_schema(runner)
    async with hold_run(runner, run):
        if not await runner.run("load_state", {"run": run}):
            raise NotFoundError("run", run, hint="list the runs with `arete runs`")
        await delete_nodes(runner, run, progress or SilentProgress())


async def delete_nodes(runner: QueryRunner, run: str, progress: Progress) -> None:
    """Deletes what the database holds of a run whose lock the caller holds; see `delete_run`."""
    await runner.run("set_run_state", {"run": run, "state": "deleting"})
    states = await runner.run("class_states", {"run": run})
    with progress.task(f"Delete {run}", total=len(states), unit="classes") as task:
        for state in states:
            await clear_class(runner, state["key"])
            await runner.run("delete_class", {"class": state["key"]})
            task.advance()
    await delete_all(runner, "delete_images", {"run": run})
    await delete_all(runner, "delete_channels", {"run": run})
    await runner.run("delete_run", {"run": run})
