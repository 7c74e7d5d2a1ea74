"""What holds for every answer: an id, a time limit, headers that keep browsers safe, one shape for errors."""

import asyncio
import secrets
from collections.abc import Sequence

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from arete_core.errors import BadInput
from arete_graphql.errors import error_response

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
    """

    def __init__(self, app: ASGIApp, timeout_s: float) -> None:
        self._app = app
        self._timeout_s = timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request; errors become answers."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request_id = secrets.token_hex(8)
        scope.setdefault("state", {})["request_id"] = request_id
        deadline = asyncio.timeout(self._timeout_s)
        started = False

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        async def send_in_time(message: Message) -> None:
            # The work is done once the answer starts; how fast the caller reads it is up to them.
            deadline.reschedule(None)
            await send_with_headers(message)

        try:
            async with deadline:
                await self._app(scope, receive, send_in_time)
        except Exception as error:
            if started:
                raise
            if isinstance(error, TimeoutError) and deadline.expired():
                error = HTTPException(504, f"the answer took longer than {self._timeout_s:g} s")
            await error_response(error, request_id)(scope, receive, send_with_headers)


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
