"""Checks of what callers ask for, and the cursors of pages."""

import base64
import binascii
import hashlib
import json
from typing import Final

from arete_core.errors import BadInput

MAX_FIRST: Final = 500
AGAIN: Final = "it was replaced a moment ago, ask again"
"""The hint where an answer fell between two states of a run."""


def check_first(first: int) -> int:
    """Returns `first` if a page may be that long.

    Args:
        first: How many are asked for.

    Returns:
        The same number, 1 to 500.

    Raises:
        BadInput: If it is not within 1 to 500.
    """
    if not 1 <= first <= MAX_FIRST:
        raise BadInput(f"first: 1 to {MAX_FIRST} was expected, found {first}", hint="ask page by page with `after`")
    return first


def check_mass(mass: float | None) -> float | None:
    """Returns a share of each layer's rank mass.

    Args:
        mass: Above 0, up to 1; None for each class's own.

    Returns:
        The same as a float, or None.

    Raises:
        BadInput: If it is not above 0 and up to 1.
    """
    if mass is not None and not 0 < mass <= 1:
        raise BadInput(f"mass: above 0 and up to 1 was expected, found {mass}")
    return None if mass is None else float(mass)


def check_min_share(min_share: float) -> float:
    """Returns a share of a class's images.

    Args:
        min_share: 0 to 1.

    Returns:
        The same as a float.

    Raises:
        BadInput: If it is not within 0 to 1.
    """
    if not 0 <= min_share <= 1:
        raise BadInput(f"min_share: a share of 0 to 1 was expected, found {min_share}")
    return float(min_share)


def check_text(name: str, text: str) -> str:
    """Returns text that can be sent to the database.

    Args:
        name: What it is, for the error.
        text: From outside.

    Returns:
        The same text.

    Raises:
        BadInput: If it cannot be written in UTF-8 (half a surrogate pair), or is absurdly long.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise BadInput(f"{name}: text was expected, found {text!r}") from None
    if len(text) > 1000:
        raise BadInput(f"{name}: up to 1,000 characters were expected, found {len(text):,}")
    return text


def make_cursor(offset: int, *question: str | None) -> str:
    """Returns a cursor that continues an answer.

    Args:
        offset: How many were answered so far.
        question: What was asked; the cursor only fits the same question.

    Returns:
        Text for URLs.
    """
    return base64.urlsafe_b64encode(json.dumps([offset, _digest(question)]).encode()).decode()


def read_cursor(cursor: str | None, *question: str | None) -> int:
    """Returns where a page starts.

    Args:
        cursor: From `make_cursor`, or None for the first page.
        question: What is asked now.

    Returns:
        How many were answered before it.

    Raises:
        BadInput: If it is no cursor, or one of another question.
    """
    if cursor is None:
        return 0
    try:
        offset, digest = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        if isinstance(offset, int) and 0 <= offset < 2**31 and digest == _digest(question):
            return offset
    except (ValueError, TypeError, binascii.Error):
        pass
    raise BadInput(
        f"after: {cursor[:40]!r} does not continue this list",
        hint="take it from the page before",
    )


def _digest(question: tuple[str | None, ...]) -> str:
    return hashlib.sha256(json.dumps(question).encode()).hexdigest()[:12]
