"""What holds for every answer: an id, a time limit, headers that keep browsers safe, one shape for errors."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arete_core.errors import BadInput
from arete_graphql.errors import error_response
from arete_graphql.limits import busy
from arete_graphql.logs import fields
from arete_graphql.metrics import Metrics

log = logging.getLogger("arete.api")

_HEALTH = frozenset({"/healthz", "/readyz", "/metrics"})

SEND_S = 60.0
"""Seconds that one part of an answer may wait for its reader."""

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Sent with every answer unless it brings its own. Scripts and styles come from this service's files alone: neither
inline ones nor `eval`."""


class Envelope:
    """Gives each request an id and a deadline, each answer its headers, and each error its shape.

    Args:
        app: What answers.
        timeout_s: Seconds until a request is given up with 504.
        in_flight: Requests that are looked at together; more hear 503 before anything else is done for them, so that
            refusing stays cheap however many come. Questions about health are always looked at.
        metrics: Told about each request.
        log_requests: Log one line a request.
        on_request: Called at the start of each request, but not for questions about health.
    """

    def __init__(
        self,
        app: ASGIApp,
        timeout_s: float,
        metrics: Metrics | None = None,
        *,
        in_flight: int = 200,
        log_requests: bool = False,
        on_request: Callable[[], None] = lambda: None,
    ) -> None:
        self._app = app
        self._on_request = on_request
        self._most = in_flight
        self._in_flight = 0
        self._timeout_s = timeout_s
        self._metrics = metrics or Metrics()
        self._log_requests = log_requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; errors become answers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        deadline = asyncio.timeout(self._timeout_s)
        started = False
        status = 0
        began = time.perf_counter()
        self._in_flight += 1
        self._metrics.in_flight.set(self._in_flight)

        async def send_with_headers(message: Message) -> None:
            nonlocal started, status
            if message["type"] == "http.response.start":
                started = True
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            # Who does not read what was sent holds the answer in memory: not for ever.
            async with asyncio.timeout(SEND_S):
                await send(message)

        async def send_in_time(message: Message) -> None:
            # The work is done once the answer starts; each part of it may take its time to be read.
            deadline.reschedule(None)
            await send_with_headers(message)

        try:
            if scope["path"] not in _HEALTH:
                self._on_request()
                if self._in_flight > self._most:
                    raise busy()
            async with deadline:
                await self._app(scope, receive, send_in_time)
        except asyncio.CancelledError:
            # The server stops and has waited long enough. The task ends with this; an error would be logged for each.
            if not started:
                stopping = HTTPException(503, "the service is stopping", headers={"Connection": "close"})
                await error_response(stopping, request_id)(scope, receive, send_with_headers)
        except Exception as error:
            if started:
                raise
            if isinstance(error, TimeoutError) and deadline.expired():
                error = HTTPException(504, f"the answer took longer than {self._timeout_s:g} s")
            await error_response(error, request_id)(scope, receive, send_with_headers)
        finally:
            self._in_flight -= 1
            self._metrics.in_flight.set(self._in_flight)
            self._note(scope, status, time.perf_counter() - began)

    def _note(self, scope: Scope, status: int, seconds: float) -> None:
        self._metrics.request(scope["path"], status, seconds)
        if self._log_requests:
            request_id, method, path = scope["state"]["request_id"], scope["method"], scope["path"]
            elapsed_ms = round(seconds * 1000, 1)
            known = fields(request_id=request_id, method=method, path=path, status=status, elapsed_ms=elapsed_ms)
            # The path alone: what stands behind its `?` may be anything.
            log.info("request %s: %s %s %d %.1f ms", request_id, method, path, status, elapsed_ms, extra=known)


class HostGuard:
    """Answers only requests that were sent to a name of this service.

    A page elsewhere could otherwise point its own name at this machine (DNS rebinding) and read the answers.

    Args:
        app: What answers.
        hosts: Names without port, as in `ApiSettings.host_names`.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = list(hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request.

        Args:
            scope: The request.
            receive: Gives its body.
            send: Takes the answer.

        Raises:
            BadInput: If the Host header names another host.
        """
        known = scope["type"] == "lifespan"

        async def accept(*_: object) -> None:
            nonlocal known
            known = True

        async def discard(_: Message) -> None:
            pass

        if not known:
            # Starlette parses the header; its plain answer is replaced by one with a hint in the usual shape.
            await TrustedHostMiddleware(accept, self._hosts, www_redirect=False)(scope, receive, discard)
        if not known:
            raise BadInput(
                "the Host header names no host that this service answers to",
                hint=f"it answers to {', '.join(self._hosts)}; add the name to allowed_hosts",
            )
        await self._app(scope, receive, send)


class OriginGuard:
    """Answers no request that a page of another site makes a browser send.

    Such a page cannot send `application/json` without asking first, and is never allowed to; this holds whatever is
    sent. Programs send no `Origin`, and are answered.

    Args:
        app: What answers.
        hosts: Names without port whose pages may ask, as in `ApiSettings.host_names`.
    """

    def __init__(self, app: ASGIApp, hosts: Sequence[str]) -> None:
        self._app = app
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request.

        Args:
            scope: The request.
            receive: Gives its body.
            send: Takes the answer.

        Raises:
            HTTPException: 403 if a page of another site sent it.
        """
        if scope["type"] == "http" and scope["method"] not in ("GET", "HEAD"):
            headers = Headers(scope=scope)
            origin = headers.get("origin")
            foreign = origin is not None and not self._is_own(origin)
            if foreign or headers.get("sec-fetch-site") == "cross-site":
                raise HTTPException(403, "a page of another site sent this; its origin is not answered")
        await self._app(scope, receive, send)

    def _is_own(self, origin: str) -> bool:
        try:
            name = urlsplit(origin).hostname or ""
        except ValueError:
            return False
        name = f"[{name}]" if ":" in name else name
        return name in self._hosts or any(host.startswith("*.") and name.endswith(host[1:]) for host in self._hosts)
