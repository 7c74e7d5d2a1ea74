"""The one shape of every error that leaves the service.

```json
{"data": null, "errors": [{"message": "there is no class 'demo/99'", "path": ["class"],
  "extensions": {"code": "NOT_FOUND", "hint": "run demo has classes 0 to 31", "requestId": "5f0c…"}}]}
```

A deliberate error (`AreteError`) keeps its message, code and hint. Anything else is a fault of ours: the caller gets a
masked text and the request's id, the log gets the traceback under the same id. `/graphql` answers 200 once a document
has been read, as GraphQL over HTTP asks for; everything that goes wrong before that, and every other address, answers
with a fitting status and the same `errors`.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any

from graphql import GraphQLError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from arete_core.errors import (
    AreteError,
    BadInput,
    DatabaseUnavailableError,
    NotFoundError,
    ReadOnlyError,
    UnauthorizedError,
)
from arete_graphql.logs import fields
from arete_graphql.operations import OperationNotAllowedError

log = logging.getLogger("arete.api")

INTERNAL = "INTERNAL"
BAD_QUERY = "BAD_QUERY"

_QUERY_HINT = "the schema is in graphql/schema.graphql and answers introspection; docs/api.md shows queries that work"

_TOO_MANY_DIGITS = "for integer string conversion"

_HTTP_CODES = {
    400: "BAD_INPUT",
    403: "FORBIDDEN",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    408: "TIMEOUT",
    413: "BODY_TOO_LARGE",
    415: "CONTENT_TYPE",
    503: "BUSY",
    504: "TIMEOUT",
}

_HTTP_HINTS = {
    405: "send POST with Content-Type: application/json",
    415: "send Content-Type: application/json",
    503: "try again in a second",
    504: "ask for less: a larger mass or minShare, a shorter list",
}


def error_entry(message: str, code: str, hint: str, request_id: str) -> dict[str, Any]:
    """Returns one entry of `errors`."""
    return {"message": message, "extensions": {"code": code, "hint": hint, "requestId": request_id}}


def describe(error: BaseException, request_id: str) -> dict[str, Any]:
    """Turns an exception into an entry of `errors`; logs it with its traceback where it is no deliberate one.

    Args:
        error: What was raised.
        request_id: The request's id, which the entry and the log line share.

    Returns:
        The entry, without `path`.
    """
    if isinstance(error, AreteError):
        known = fields(request_id=request_id, code=error.code)
        log.info("request %s: %s: %s", request_id, error.code, error.message, extra=known)
        return error_entry(error.message, error.code, error.hint, request_id)
    if isinstance(error, HTTPException):
        code = _HTTP_CODES.get(error.status_code, INTERNAL)
        return error_entry(error.detail, code, _HTTP_HINTS.get(error.status_code, ""), request_id)
    known = fields(request_id=request_id, code=INTERNAL)
    log.error("request %s failed", request_id, exc_info=error, extra=known)
    return error_entry(
        "the service failed to answer; this is a fault of Arête, not of the question",
        INTERNAL,
        f"look for {request_id} in the log of `arete serve`",
        request_id,
    )


def describe_graphql(error: GraphQLError, request_id: str) -> dict[str, Any]:
    """Turns an error of a GraphQL execution into an entry of `errors`, with its path and locations."""
    cause: BaseException | None = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if cause is None:
        entry = error_entry(error.message, BAD_QUERY, _QUERY_HINT, request_id)
    elif isinstance(cause, RecursionError):
        entry = error_entry("the query is nested too deeply", BAD_QUERY, _QUERY_HINT, request_id)
    elif isinstance(cause, ValueError) and _TOO_MANY_DIGITS in str(cause):
        # Python refuses to read it, and graphql-core asks Python.
        entry = error_entry("a number has too many digits", BAD_QUERY, _QUERY_HINT, request_id)
    else:
        entry = describe(cause, request_id)
    if error.path:
        entry["path"] = list(error.path)
    if error.locations:
        entry["locations"] = [{"line": place.line, "column": place.column} for place in error.locations]
    return entry


def status_of(error: BaseException) -> int:
    """Returns the HTTP status that fits an exception, for addresses that answer with a status."""
    if isinstance(error, HTTPException):
        return error.status_code
    if isinstance(error, NotFoundError):
        return 404
    if isinstance(error, BadInput):
        return 400
    if isinstance(error, OperationNotAllowedError):
        return 403
    if isinstance(error, UnauthorizedError):
        return 403 if isinstance(error, ReadOnlyError) else 401
    if isinstance(error, DatabaseUnavailableError):
        return 503
    return 500


def json_response(content: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Returns a JSON answer; everything beyond ASCII is escaped, so that whatever a caller wrote can be sent back."""
    return Response(json_bytes(content), status, headers, media_type="application/json")


def json_bytes(content: Any) -> bytes:
    """Returns JSON in which everything beyond ASCII is escaped."""
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode("ascii")


def error_response(error: BaseException, request_id: str, *, status: int | None = None) -> Response:
    """Returns the answer to a request that failed as a whole.

    Args:
        error: What was raised.
        request_id: The request's id.
        status: HTTP status; the fitting one when None.

    Returns:
        JSON with `data` null and one entry in `errors`.
    """
    headers = error.headers if isinstance(error, HTTPException) else None
    content = {"data": None, "errors": [describe(error, request_id)]}
    return json_response(content, status or status_of(error), headers)
