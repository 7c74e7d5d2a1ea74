"""The name of the state of the data, by which answers are kept."""

import pytest

from arete_queries.data_version import data_state
from arete_queries.runner import QueryRunner

pytestmark = [pytest.mark.integration, pytest.mark.anyio, pytest.mark.usefixtures("clean_database")]


async def test_the_state_of_the_data_has_one_name(runner: QueryRunner) -> None:
    names = [(await data_state(runner)).bookmark for _ in range(3)]
    assert len(set(names)) == 1
    await runner.run("schema_group_id")
    assert (await data_state(runner)).bookmark not in names
