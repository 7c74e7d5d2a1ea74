"""Turns what the Neo4j driver raises into Arête's errors, split by what helps."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from neo4j.exceptions import (
    AuthError,
    ConfigurationError,
    ConnectionPoolError,
    DriverError,
    Forbidden,
    Neo4jError,
    ServiceUnavailable,
    SessionExpired,
)

from arete_core.errors import CapabilityError, DatabaseError, DatabaseUnavailableError

_TIMED_OUT: Final = ("Transaction.TransactionTimedOut", "Transaction.LockAcquisitionTimeout")
_STARTING: Final = ("Database.DatabaseUnavailable", "General.DatabaseUnavailable", "Database.DatabaseNotFound")
_READ_ONLY: Final = (
    "General.ForbiddenOnReadOnlyDatabase",
    "General.WriteOnReadOnlyAccessDatabase",
    "Statement.AccessMode",
)
_PANIC: Final = "needs to be restarted"
_NO_PROCEDURE: Final = ("Procedure.ProcedureNotFound", "Statement.UnknownFunction")


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Runs a block that talks to the database and translates what goes wrong in it.

    Args:
        name: The statement, for the message.

    Yields:
        Nothing.

    Raises:
        DatabaseError: Or one of its kinds, for whatever the driver raised.
    """
    try:
        yield
    except (Neo4jError, DriverError) as error:
        raise translate(error, name) from error


def needs_restart(error: Neo4jError) -> bool:
    """Says whether an answer means that the server lives, but will refuse everything until it is started again.

    So it is once it could not write to its transaction log.
    """
    return "TransactionStartFailed" in (error.code or "") and _PANIC in (error.message or "")


def no_answer(name: str, limit_s: float) -> DatabaseUnavailableError:
    """Returns the error for a database that did not answer in time."""
    return DatabaseUnavailableError(
        f"{name}: the database did not answer within {limit_s:.0f} s",
        hint="see whether it is busy or stopped: `arete db status`",
    )


def translate(error: Neo4jError | DriverError, name: str) -> DatabaseError:
    """Returns the error to raise for one of the driver's.

    Args:
        error: What the driver raised.
        name: The statement, for the message.

    Returns:
        A `DatabaseUnavailableError` where a retry or another address may help, a `CapabilityError` where the database
        lacks a procedure, else a plain `DatabaseError`.
    """
    if isinstance(error, AuthError) and not isinstance(error, Forbidden):
        return DatabaseUnavailableError(
            f"the database refuses this user and password: {_first_line(error)}",
            hint="check ARETE_NEO4J_USER and ARETE_NEO4J_PASSWORD; the embedded engine keeps its own password",
        )
    if isinstance(error, ServiceUnavailable | SessionExpired | ConnectionPoolError):
        return _unreachable(_first_line(error))
    if isinstance(error, ConfigurationError):
        return DatabaseUnavailableError(
            f"the database cannot be reached in this way: {_first_line(error)}", hint="check ARETE_NEO4J_URL"
        )
    if isinstance(error, Neo4jError):
        return _refused(error, name)
    return DatabaseError(f"{name}: {_first_line(error)}")


def _refused(error: Neo4jError, name: str) -> DatabaseError:
    code = error.code or ""
    text = _first_line(error)
    if any(part in code for part in _TIMED_OUT):
        return DatabaseUnavailableError(
            f"{name}: the database gave up, the statement took too long",
            hint="ask for less at once, or try again when the database is less busy",
        )
    if any(part in code for part in _STARTING):
        return _unreachable(text)
    if needs_restart(error):
        return DatabaseUnavailableError(
            "the database has stopped after an error, most often a full disk, and has to be started again",
            hint="free some disk space; `arete serve` restarts its own engine, else `arete db stop` and start again",
        )
    if any(part in code for part in _READ_ONLY):
        return DatabaseError(
            f"{name}: the database takes no writes: {text}", hint="start it without --read-only to load or delete"
        )
    # A missing function is a syntax error to the planner.
    if any(part in code for part in _NO_PROCEDURE) or "Unknown function 'gds." in text:
        return CapabilityError(
            f"{name}: the database lacks a procedure: {text}",
            hint="install the Neo4j Graph Data Science plugin 2.13, or use the embedded engine, which has it",
        )
    if "MemoryPoolOutOfMemory" in code or "OutOfMemory" in code:
        return DatabaseError(
            f"{name}: the database ran out of memory: {text}",
            hint="give it more heap: ARETE_HEAP_MB for the embedded engine",
        )
    return DatabaseError(f"{name}: {code}: {text}")


def _unreachable(text: str) -> DatabaseUnavailableError:
    return DatabaseUnavailableError(
        f"the database cannot be reached: {text}",
        hint="start it with `arete db start`, or check ARETE_NEO4J_URL",
    )


def _first_line(error: Exception) -> str:
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    return str(text).strip().splitlines()[0]
