"""Constraints and indexes of the database."""

from typing import Final

from arete_core.errors import DatabaseError
from arete_queries.runner import QueryRunner
from arete_queries.write_class import TIMEOUT_S

_SCHEMA: Final = (
    "schema_run_id",
    "schema_layer_id",
    "schema_channel_id",
    "schema_class_id",
    "schema_class_key",
    "schema_image_id",
    "schema_image_run",
    "schema_load_id",
    "schema_influences_class",
    "schema_attributes_class",
    "schema_search",
    "schema_search_labels",
)


async def prepare_schema(runner: QueryRunner, *, wait_s: float = TIMEOUT_S) -> None:
    """Makes the constraints and indexes that loading and reading rely on, where they are missing.

    Args:
        runner: The database.
        wait_s: How long the indexes may take to be filled, in seconds.

    Raises:
        DatabaseError: If the database takes no writes or cannot be reached.
    """
    for name in _SCHEMA:
        try:
            await runner.run(name)
        except DatabaseError as error:
            # IF NOT EXISTS looks and makes in two steps: another loader may have made it in between.
            if "EquivalentSchemaRuleAlreadyExists" not in error.message:
                raise
    await runner.run("await_indexes", {"seconds": int(wait_s)}, timeout_s=wait_s)
