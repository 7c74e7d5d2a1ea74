"""Names the state of the data, so that whoever keeps answers knows when they no longer hold."""

from dataclasses import dataclass

from arete_queries.runner import QueryRunner


@dataclass(frozen=True)
class DataState:
    """The state of the data.

    Attributes:
        bookmark: The database's name for the last change that was committed in it, whoever made it: another one after
            every change, the same one as long as there is none.
        folders: Where the run folders lie whose runs are loaded.
    """

    bookmark: str
    folders: tuple[str, ...]


async def data_state(runner: QueryRunner) -> DataState:
    """Asks for the state of the data; takes as long as the smallest statement.

    Args:
        runner: The database.

    Returns:
        Its state.

    Raises:
        DatabaseError: If the database fails or cannot be reached.
    """
    rows, bookmark = await runner.run_with_bookmark("run_folders")
    return DataState(bookmark, tuple(rows[0]["folders"]))
