"""The connection to the database: absent at start, lost, found again."""

import asyncio
from typing import Any

import pytest

from arete_core.errors import DatabaseUnavailableError, SettingError
from arete_graphql import context
from arete_graphql.context import Database

pytestmark = pytest.mark.anyio


class Runner:
    def __init__(self) -> None:
        self.closed = False

    async def close(self) -> None:
        self.closed = True


class Factory:
    """Gives a new runner each time, or fails while `down`."""

    def __init__(self) -> None:
        self.made: list[Runner] = []
        self.calls = 0
        self.down = False

    async def __call__(self) -> Any:
        self.calls += 1
        await asyncio.sleep(0)
        if self.down:
            raise DatabaseUnavailableError("nothing answers", hint="start it")
        self.made.append(Runner())
        return self.made[-1]


async def which(runner: Any) -> Any:
    return runner


async def lose(_runner: Any) -> None:
    raise DatabaseUnavailableError("gone")


async def test_a_read_gets_the_runner_and_passes_its_arguments() -> None:
    async def read(runner: Any, a: int, *, b: int) -> tuple[bool, int, int]:
        return isinstance(runner, Runner), a, b

    assert await Database(Factory()).read(read, 1, b=2) == (True, 1, 2)


async def test_many_first_requests_connect_once() -> None:
    factory = Factory()
    database = Database(factory)
    runners = await asyncio.gather(*(database.read(which) for _ in range(20)))
    assert factory.calls == 1
    assert len(set(map(id, runners))) == 1


async def test_without_a_database_it_starts_and_heals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(context, "RETRY_S", 0.0)
    factory = Factory()
    factory.down = True
    database = Database(factory)
    await database.start()
    with pytest.raises(DatabaseUnavailableError):
        await database.read(which)
    factory.down = False
    assert await database.read(which) is factory.made[0]


async def test_while_it_is_down_it_is_not_asked_more_than_once_a_second() -> None:
    factory = Factory()
    factory.down = True
    database = Database(factory)
    answers = await asyncio.gather(*(database.read(which) for _ in range(50)), return_exceptions=True)
    assert all(isinstance(answer, DatabaseUnavailableError) for answer in answers)
    assert factory.calls == 1


async def test_a_setting_that_cannot_work_is_not_hidden_at_start() -> None:
    async def wrong() -> Any:
        raise SettingError("'localhost' is no address of a database")

    with pytest.raises(SettingError):
        await Database(wrong).start()


async def test_a_lost_connection_is_closed_and_replaced() -> None:
    factory = Factory()
    database = Database(factory)
    with pytest.raises(DatabaseUnavailableError):
        await database.read(lose)
    assert factory.made[0].closed
    assert await database.read(which) is factory.made[1]
    assert not factory.made[1].closed


async def test_a_lost_connection_stays_open_for_those_who_still_use_it() -> None:
    factory = Factory()
    database = Database(factory)
    finish = asyncio.Event()
    states = []

    async def slow(runner: Any) -> None:
        await finish.wait()
        states.append(runner.closed)

    slow_read = asyncio.create_task(database.read(slow))
    await asyncio.sleep(0.01)
    with pytest.raises(DatabaseUnavailableError):
        await database.read(lose)
    assert not factory.made[0].closed
    assert await database.read(which) is factory.made[1]
    finish.set()
    await slow_read
    assert states == [False]
    assert factory.made[0].closed


async def test_another_error_keeps_the_connection() -> None:
    async def wrong(_runner: Any) -> None:
        raise KeyError("x")

    factory = Factory()
    database = Database(factory)
    with pytest.raises(KeyError):
        await database.read(wrong)
    assert await database.read(which) is factory.made[0]


async def test_close_closes() -> None:
    factory = Factory()
    database = Database(factory)
    await database.start()
    await database.close()
    await database.close()
    assert factory.made[0].closed
