"""The driver that a runner works with: which addresses are one, and how long it waits for what."""

from typing import Final

from neo4j import AsyncDriver, AsyncGraphDatabase
from neo4j.exceptions import ConfigurationError

from arete_core.errors import SettingError

CONNECT_TIMEOUT_S: Final = 4.0
"""A database on the same network answers in milliseconds; beyond this it is down."""
RETRY_S: Final = 4.0
"""For how long a lost connection is tried again. Also bounds how long a call takes to say that the database is down."""
POOL_SIZE: Final = 32


def open_driver(url: str, user: str, password: str, app: str) -> AsyncDriver:
    """Makes a driver; nothing is connected yet.

    Args:
        url: `bolt://…`, `neo4j://…` or `neo4j+s://…`.
        user: User name; empty for a server without authentication.
        password: Its password.
        app: Who is asking.

    Returns:
        The driver, which the caller closes.

    Raises:
        SettingError: If the URL is none.
    """
    # The driver also speaks HTTP, without transactions that this runner could use.
    if not url.startswith(("bolt://", "bolt+s://", "bolt+ssc://", "neo4j://", "neo4j+s://", "neo4j+ssc://")):
        raise no_address(url)
    try:
        return AsyncGraphDatabase.driver(
            url,
            auth=(user, password) if user else None,
            user_agent=f"arete/{app}",
            connection_timeout=CONNECT_TIMEOUT_S,
            connection_acquisition_timeout=CONNECT_TIMEOUT_S + 1.0,
            max_transaction_retry_time=RETRY_S,
            max_connection_pool_size=POOL_SIZE,
            # A connection that lay idle this long is tried before it is used, so that a restarted server is
            # noticed here and not in the middle of an answer.
            liveness_check_timeout=10.0,
            notifications_min_severity="OFF",
            telemetry_disabled=True,
        )
    except (ConfigurationError, ValueError) as error:
        raise no_address(url) from error


def no_address(url: str) -> SettingError:
    """Returns the error for an address that is none."""
    return SettingError(
        f"{url!r} is no address of a Neo4j database",
        hint="give one like bolt://localhost:7687 or neo4j+s://name.databases.neo4j.io",
    )
