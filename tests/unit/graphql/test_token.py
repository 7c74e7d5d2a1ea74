"""The token: who may change something, what the others are told, and that nobody else learns it."""

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import strawberry
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Route

from arete_core.errors import DatabaseUnavailableError, ReadOnlyError, SettingError, UnauthorizedError
from arete_graphql.context import Database, Info
from arete_graphql.endpoint import GraphQLEndpoint
from arete_graphql.limits import Gate
from arete_graphql.metrics import Metrics
from arete_graphql.middleware import Envelope
from arete_graphql.operations import Operations
from arete_graphql.schema import make_schema
from arete_graphql.settings import ApiSettings
from arete_graphql.token import WriteAccess, check_new_token, new_token, require, write_access

TOKEN = "a-token-of-some-length"
WRITE = {"query": "mutation { write }"}


@strawberry.type
class OneMutation:
    """A mutation that does nothing but ask for the token, as every one does first."""

    @strawberry.mutation
    async def write(self, info: Info) -> bool | None:
        info.context.require_token()
        return True


@asynccontextmanager
async def service(settings: ApiSettings) -> AsyncIterator[httpx.AsyncClient]:
    """The endpoint over a schema with one mutation and without a database."""

    async def no_database() -> Any:
        raise DatabaseUnavailableError("a mutation that asks for the token alone needs none")

    schema = make_schema(settings.limits, mutation=None if settings.read_only else OneMutation)
    operations = Operations(Path("nowhere"), only=False)
    endpoint = GraphQLEndpoint(schema, Database(no_database), Gate(settings.limits), settings, operations, Metrics())
    app = Starlette(
        routes=[Route("/graphql", endpoint.answer, methods=["POST"])], middleware=[Middleware(Envelope, timeout_s=5)]
    )
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1") as http:
        yield http


@pytest.mark.anyio
@pytest.mark.parametrize("header", [f"Bearer {TOKEN}", f"bearer  {TOKEN} "])
async def test_the_token_opens_mutations(header: str) -> None:
    async with service(ApiSettings(token=TOKEN)) as http:
        answer = await http.post("/graphql", json=WRITE, headers={"Authorization": header})
    assert answer.json() == {"data": {"write": True}}


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("header", "part"),
    [
        (None, "carries no token"),
        ("", "carries no token"),
        (f"Basic {TOKEN}", "carries no token"),
        (TOKEN, "carries no token"),
        ("Bearer", "carries no token"),
        ("Bearer ", "carries no token"),
        (f"Bearer {TOKEN}x", "not this service's"),
        (f"Bearer {TOKEN[:-1]}", "not this service's"),
        (f"Bearer {TOKEN.upper()}", "not this service's"),
        (b"Bearer \xff\xfe", "not this service's"),
    ],
)
async def test_anything_else_does_not(header: str | bytes | None, part: str, caplog: pytest.LogCaptureFixture) -> None:
    headers: Any = {} if header is None else {"Authorization": header}
    with caplog.at_level(logging.DEBUG):
        async with service(ApiSettings(token=TOKEN)) as http:
            answer = await http.post("/graphql", json=WRITE, headers=headers)
    assert answer.status_code == 200
    assert answer.json()["data"] == {"write": None}
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "UNAUTHORIZED"
    assert "Authorization: Bearer" in error["extensions"]["hint"]
    assert part in error["message"]
    assert TOKEN not in answer.text
    assert TOKEN[:-1] not in caplog.text


@pytest.mark.anyio
async def test_queries_need_no_token() -> None:
    async with service(ApiSettings(token=TOKEN)) as http:
        answer = await http.post("/graphql", json={"query": "{ __typename }"})
    assert answer.json() == {"data": {"__typename": "Query"}}


@pytest.mark.anyio
async def test_a_service_that_only_reads_has_no_mutations_whatever_the_token() -> None:
    async with service(ApiSettings(token=TOKEN, read_only=True)) as http:
        answer = await http.post("/graphql", json=WRITE, headers={"Authorization": f"Bearer {TOKEN}"})
        types = await http.post("/graphql", json={"query": "{ __schema { mutationType { name } } }"})
    assert answer.status_code == 403
    (error,) = answer.json()["errors"]
    assert error["extensions"]["code"] == "READ_ONLY"
    assert "--read-only" in error["extensions"]["hint"]
    assert types.json() == {"data": {"__schema": {"mutationType": None}}}


@pytest.mark.anyio
async def test_without_a_token_of_its_own_it_grants_nothing() -> None:
    async with service(ApiSettings()) as http:
        answer = await http.post("/graphql", json=WRITE, headers={"Authorization": "Bearer None"})
    assert answer.json()["errors"][0]["extensions"]["code"] == "UNAUTHORIZED"


def test_each_reason_is_told_apart() -> None:
    require(WriteAccess.GRANTED)
    for access, kind in (
        (WriteAccess.NO_TOKEN, UnauthorizedError),
        (WriteAccess.WRONG_TOKEN, UnauthorizedError),
        (WriteAccess.READ_ONLY, ReadOnlyError),
    ):
        with pytest.raises(kind):
            require(access)
    assert write_access(f"Bearer {TOKEN}", ApiSettings(token=TOKEN, read_only=True)) is WriteAccess.READ_ONLY


def test_new_tokens_differ_and_fit_an_address_as_they_are() -> None:
    made = {new_token() for _ in range(100)}
    assert len(made) == 100
    for token in made:
        assert len(token) >= 32
        assert token.replace("-", "").replace("_", "").isalnum()
        assert check_new_token(token) == token


@pytest.mark.parametrize("token", ["", "short", "x" * 15, "x" * 16 + " ", "x" * 16 + "é", "x" * 16 + "\n"])
def test_a_weak_token_is_refused_and_not_repeated(token: str) -> None:
    with pytest.raises(SettingError) as refused:
        check_new_token(token)
    assert not token or token not in refused.value.message


def test_settings_do_not_show_it() -> None:
    assert TOKEN not in repr(ApiSettings(token=TOKEN))
