"""What the commands share that run jobs of `arete_ingest`, which is not installed everywhere."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from arete_core.errors import CapabilityError

_NICENESS = 15


@contextmanager
def needing_ingest(start: str) -> Iterator[None]:
    """Says what to install where imports of `arete_ingest` in the block fail.

    Args:
        start: Who needs it, with the verb: `embed needs`.

    Raises:
        CapabilityError: If a package is missing.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise CapabilityError(
            f"{start} {error.name}, which is not installed", hint='pip install "arete[ingest]"'
        ) from error


def lower_priority() -> None:
    """Lets other processes that want the processor have it first; does nothing where the system knows no such thing."""
    if hasattr(os, "nice"):
        os.nice(_NICENESS)
