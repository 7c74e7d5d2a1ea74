"""What the service is told: where to listen, which names it answers to, and how much one caller may ask for."""

import ipaddress
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

LOOPBACK_HOSTS = ("localhost", "127.0.0.1", "[::1]")
"""Names under which a browser on the same machine reaches the service."""

_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104 - compared with, never bound to here


@dataclass(frozen=True)
class Limits:
    """How much one request, and all of them together, may take.

    Attributes:
        depth: Deepest nesting of selected fields, after fragments are put in place.
        aliases: Renamed fields in a document, after fragments are put in place.
        fields: Selected fields in a document, after fragments are put in place.
        tokens: Lexical tokens in a document.
        cost: Objects that a document may return, reckoned beforehand from its nested lists; see `cost`.
        edges: Edges of one graph or comparison; a larger one is refused rather than cut.
        reads: Reads from the database that one request may start.
        body_bytes: Largest request body; more is answered with 413.
        body_s: Seconds that a request's body may take to arrive; then 408.
        timeout_s: Seconds that a request may take from its first byte to the answer; then 504.
        statement_s: Seconds that the database may spend on one statement before it gives up by itself; with a lost
            connection tried again and a server that hangs, less than `timeout_s` in all.
        concurrent: Requests that work on the database at the same time.
        waiting: Requests that may wait for one of those places; more are answered with 503 at once.
        in_flight: Requests of all kinds that are looked at together; more are answered with 503 unread.
        wait_s: Seconds that a request waits for a place before it is answered with 503.
        cache_bytes: Memory for answers that are kept as long as the data stay the same; 0 keeps none.
    """

    depth: int = 12
    aliases: int = 30
    fields: int = 500
    tokens: int = 2000
    cost: int = 100_000
    edges: int = 50_000
    reads: int = 100
    body_bytes: int = 256 * 1024
    body_s: float = 10.0
    timeout_s: float = 30.0
    statement_s: float = 20.0
    concurrent: int = 16
    waiting: int = 64
    in_flight: int = 200
    wait_s: float = 5.0
    cache_bytes: int = 64 * 1024 * 1024


@dataclass(frozen=True)
class ApiSettings:
    """Settings of the service.

    Attributes:
        host: Address to listen on.
        port: Port to listen on; 0 takes a free one.
        allowed_hosts: Further names in the Host header that are answered, for instance behind a proxy;
            `*.example.org` stands for every subdomain.
        token: What a request that changes something must carry as `Authorization: Bearer TOKEN`; None refuses all.
        read_only: There are no mutations at all; a token makes no difference.
        dev: Show GraphiQL at `/graphql`; it loads its scripts from the network.
        introspection: Answer questions about the schema itself.
        viewer_operations_only: Answer the viewer's own operations and nothing else.
        access_log: Log one line a request.
        viewer: Folder of the built viewer; None looks in the package, then in the checkout's `web/dist`.
        browser_url: Tells where Neo4j Browser is on this machine; empty where that is not known.
        warm_up: Ask the viewer's operations in the background at start and after runs were loaded; see `warm_up`.
        limits: How much may be asked for.
    """

    host: str = "127.0.0.1"
    port: int = 8700
    allowed_hosts: tuple[str, ...] = ()
    token: str | None = field(default=None, repr=False)
    read_only: bool = False
    dev: bool = False
    introspection: bool = True
    viewer_operations_only: bool = False
    access_log: bool = False
    viewer: Path | None = None
    browser_url: Callable[[], str] = str
    warm_up: bool = False
    limits: Limits = field(default_factory=Limits)

    def host_names(self) -> tuple[str, ...]:
        """Returns every name that a Host header may carry.

        Anything else is refused: a page elsewhere could otherwise point its own name at this machine (DNS rebinding)
        and read the answers.
        """
        own = () if self.host in _WILDCARDS else (_bracketed(self.host),)
        return tuple(dict.fromkeys((*LOOPBACK_HOSTS, *own, *self.allowed_hosts)))


def _bracketed(host: str) -> str:
    try:
        return f"[{host}]" if ipaddress.ip_address(host).version == 6 else host
    except ValueError:
        return host


def base_url(host: str, port: int) -> str:
    """Returns the address that a browser on this machine opens.

    Args:
        host: What the service listens on; an any-address becomes the loopback one.
        port: Its port, as bound.

    Returns:
        For instance `http://127.0.0.1:8700/`.
    """
    return f"http://{'127.0.0.1' if host in _WILDCARDS else _bracketed(host)}:{port}/"
