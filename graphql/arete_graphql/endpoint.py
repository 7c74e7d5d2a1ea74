"""The address `/graphql`: reads a request, runs it, answers.

Only POST with `application/json` is taken: a page on another site cannot send that without the browser asking us first
(and we never allow it), so nobody's browser can be made to query for a stranger. There is no batching, no multipart, no
subscription.
"""

import asyncio
import json
import logging
import time
from collections.abc import Coroutine
from typing import Any

import strawberry
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from strawberry.exceptions import MissingQueryError
from strawberry.http.ides import get_graphql_ide_html
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from arete_core.errors import DatabaseUnavailableError, ReadOnlyError
from arete_graphql.answer_cache import Answer, AnswerCache, DataVersion, question_key
from arete_graphql.context import Database, RequestContext
from arete_graphql.errors import BAD_QUERY, describe_graphql, error_entry, error_response, json_bytes, json_response
from arete_graphql.limits import Gate
from arete_graphql.metrics import Metrics
from arete_graphql.operations import Operations
from arete_graphql.picture_tables import PictureBook
from arete_graphql.settings import ApiSettings, Limits
from arete_graphql.token import READ_ONLY_HINT, write_access

log = logging.getLogger("arete.api")

_READ_AWAY_BYTES = 4 * 1024 * 1024
"""A body that is too large is read to its end up to here: who is cut off while sending does not see the answer."""
_CLIENT_GONE = 499
"""Written into the log alone: nobody is there to read it."""
_READING = frozenset({OperationType.QUERY})
_WRITING = frozenset({OperationType.QUERY, OperationType.MUTATION})

# GraphiQL's page loads its scripts from a public CDN and starts them inline; it is shown in development only.
_GRAPHIQL_POLICY = (
    "default-src 'self' https://unpkg.com https://esm.sh; "
    "script-src 'self' 'unsafe-inline' https://unpkg.com https://esm.sh; "
    "style-src 'self' 'unsafe-inline' https://unpkg.com https://esm.sh; worker-src 'self' blob:; "
    "img-src 'self' data:; font-src 'self' data: https://unpkg.com https://esm.sh; frame-ancestors 'none'"
)


class GraphQLEndpoint:
    """Answers GraphQL requests.

    Args:
        schema: What `schema.make_schema` returns.
        database: Where the answers come from.
        gate: Held while a request runs.
        settings: `limits`, `token`, `read_only` and `dev` are looked at.
        operations: Says what may be asked.
        metrics: Told how long each operation took, and each error.

    Attributes:
        version: Names the state of the data.
    """

    def __init__(
        self,
        schema: strawberry.Schema,
        database: Database,
        gate: Gate,
        settings: ApiSettings,
        operations: Operations,
        metrics: Metrics,
    ) -> None:
        self._operations = operations
        self._metrics = metrics
        self._schema = schema
        self._database = database
        self._gate = gate
        self._settings = settings
        self.version = DataVersion(database)
        self._book = PictureBook()
        self._cache = AnswerCache(settings.limits.cache_bytes)

    async def answer(self, request: Request) -> Response:
        """Answers a request.

        Args:
            request: The request.

        Returns:
            200 with `data` and, where something failed, `errors`.

        Raises:
            HTTPException: 400, 405, 413, 415 for a request that holds no GraphQL document, 503 when too many are
                under way.
        """
        if request.method == "GET" and self._settings.dev:
            headers = {"Content-Security-Policy": _GRAPHIQL_POLICY}
            return HTMLResponse(get_graphql_ide_html(graphql_ide="graphiql"), headers=headers)
        if request.method != "POST":
            raise HTTPException(405, "GraphQL is asked with POST", headers={"Allow": "POST"})
        payload = await _read_payload(request, self._settings.limits)
        name = self._operations.name_of(payload.get("query"))
        access = write_access(request.headers.get("authorization"), self._settings)
        context = RequestContext(
            request.state.request_id,
            self._database,
            self._settings.limits,
            access,
            browser_url=self._settings.browser_url,
        )
        return await while_connected(request, self._look_up(request, payload, context, name))

    async def rehearse(self, query: str, variables: dict[str, Any]) -> bool:
        """Works an operation out as for a caller, outside the gate, and throws the answer away.

        Args:
            query: The document.
            variables: Its variables.

        Returns:
            Whether it was answered without an error.

        Raises:
            DatabaseUnavailableError: If the database does not answer.
        """
        context = RequestContext("warm-up", self._database, self._settings.limits)
        with self._book.open():
            result = await self._execute({"query": query, "variables": variables}, context)
        if isinstance(result, Response):
            return False
        for error in result.errors or ():
            if isinstance(error.original_error, DatabaseUnavailableError):
                raise error.original_error
            return False
        Answer.of(json_bytes({"data": result.data}))
        return True

    async def _look_up(self, request: Request, payload: dict[str, Any], context: RequestContext, name: str) -> Response:
        started = time.perf_counter()
        version = await self.version.current()
        await self._book.refresh(version, self.version.folders)
        key = question_key(payload)
        held = None if version is None else self._cache.get(key, version)
        if held is not None:
            self._metrics.operation(name, time.perf_counter() - started, kept=True)
            return held.response(request)
        async with self._gate.place():
            with self._book.open():
                result = await self._execute(payload, context)
        self._metrics.operation(name, time.perf_counter() - started, kept=False)
        if isinstance(result, Response):
            return result
        if context.operation_type is not OperationType.QUERY or result.errors:
            if context.operation_type is OperationType.MUTATION:
                self.version.forget()
            return json_response(self._content(result, context))
        answer = Answer.of(json_bytes(self._content(result, context)))
        if version is not None:
            self._cache.put(key, version, answer)
            self._metrics.kept_bytes.set(self._cache.bytes_held)
        return answer.response(request)

    async def _execute(self, payload: dict[str, Any], context: RequestContext) -> ExecutionResult | Response:
        try:
            return await self._schema.execute(
                payload.get("query"),
                variable_values=payload.get("variables"),
                operation_name=payload.get("operationName"),
                context_value=context,
                allowed_operation_types=_READING if self._settings.read_only else _WRITING,
            )
        except MissingQueryError:
            raise HTTPException(400, "the request holds no query") from None
        except CannotGetOperationTypeError as error:
            return _refused(error.as_http_error_reason(), context)
        except InvalidOperationTypeError as error:
            if error.operation_type is OperationType.MUTATION:
                only_reads = ReadOnlyError("this service only reads: there are no mutations", hint=READ_ONLY_HINT)
                return error_response(only_reads, context.request_id)
            return _refused("only queries and mutations are answered; there are no subscriptions", context)

    def _content(self, result: ExecutionResult, context: RequestContext) -> dict[str, Any]:
        content: dict[str, Any] = {"data": result.data}
        if result.errors:
            content["errors"] = [describe_graphql(error, context.request_id) for error in result.errors]
            for entry in content["errors"]:
                self._metrics.error(entry["extensions"]["code"])
                if not self._settings.introspection:
                    # "Did you mean 'layers'?" tells the schema as well, if slowly.
                    entry["message"] = entry["message"].partition(" Did you mean ")[0]
        return content


async def while_connected(request: Request, work: Coroutine[Any, Any, Response]) -> Response:
    """Does what a request asks for as long as somebody waits for the answer.

    Args:
        request: Its body has been read.
        work: Ended, with its transactions, when the caller goes away.

    Returns:
        What the work returns.
    """
    working = asyncio.create_task(work)
    leaving = asyncio.create_task(_wait_for_leaving(request))
    try:
        await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        log.info("request %s: the caller went away before the answer", request.state.request_id)
        return Response(status_code=_CLIENT_GONE)
    finally:
        for task in (working, leaving):
            task.cancel()
        await asyncio.gather(working, leaving, return_exceptions=True)


async def _wait_for_leaving(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def _refused(message: str, context: RequestContext) -> Response:
    return json_response({"data": None, "errors": [error_entry(message, BAD_QUERY, "", context.request_id)]}, 400)


async def _read_payload(request: Request, limits: Limits) -> dict[str, Any]:
    """Reads the request's JSON object and checks its members.

    Args:
        request: The request.
        limits: `body_bytes` and `body_s` are looked at.

    Returns:
        The object; `query`, `variables` and `operationName` have their types where present.

    Raises:
        HTTPException: If it is something else.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise HTTPException(415, f"the content type is {media_type or 'missing'}, application/json is expected")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise HTTPException(415, "a compressed body is not accepted")
    try:
        async with asyncio.timeout(limits.body_s):
            body = await _read_body(request, limits.body_bytes)
    except TimeoutError:
        slow = f"the body did not arrive within {limits.body_s:g} s"
        raise HTTPException(408, slow, headers={"Connection": "close"}) from None
    try:
        payload = json.loads(body)
        # A lone surrogate can be written in JSON, but is no text: the database could not be sent it.
        json.dumps(payload, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise HTTPException(400, "the body is no JSON") from None
    if not isinstance(payload, dict):
        raise HTTPException(400, "the body is no JSON object with a query; batches are not accepted")
    for name, type_, expected in (
        ("query", str, "a string"),
        ("variables", dict, "an object"),
        ("operationName", str, "a string"),
    ):
        if payload.get(name) is not None and not isinstance(payload[name], type_):
            raise HTTPException(400, f"{name} is not {expected}")
    return payload


async def _read_body(request: Request, most: int) -> bytes:
    too_large = HTTPException(413, f"the body is larger than {most} bytes", headers={"Connection": "close"})
    declared = request.headers.get("content-length", "0")
    if declared.isascii() and declared.isdigit() and int(declared) > _READ_AWAY_BYTES:
        raise too_large
    body = bytearray()
    received = 0
    try:
        async for chunk in request.stream():
            received += len(chunk)
            if received <= most:
                body += chunk
            elif received > _READ_AWAY_BYTES:
                raise too_large
    except ClientDisconnect:
        raise HTTPException(400, "the body ended early") from None
    if received > most:
        raise too_large
    return bytes(body)
