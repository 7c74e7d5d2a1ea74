"""The token: what a caller shows before the service changes anything for it.

Whoever reaches the service may read. Groups, labels and exclusions are changed only for requests with the header
`Authorization: Bearer TOKEN`. A browser adds that header to nothing by itself, so that a page elsewhere cannot make it
write in somebody's name.
"""

import hashlib
import hmac
import secrets
from enum import Enum

from arete_core.errors import ReadOnlyError, SettingError, UnauthorizedError
from arete_graphql.settings import ApiSettings

MIN_LENGTH = 16
"""Characters of a token that somebody chooses: fewer could be tried out."""
READ_ONLY_HINT = "start it without --read-only to change groups, labels and exclusions"

_HINT = (
    "send the header `Authorization: Bearer TOKEN`; `arete serve` prints the token in the viewer's address, "
    "after `#token=`, or takes one from ARETE_TOKEN"
)


class WriteAccess(Enum):
    """Whether a request may change anything, or why not."""

    GRANTED = "granted"
    NO_TOKEN = "no token"  # noqa: S105 - no password
    WRONG_TOKEN = "wrong token"  # noqa: S105
    READ_ONLY = "read-only"


def new_token() -> str:
    """Returns a token that nobody can guess, of characters that an address may hold as they are."""
    return secrets.token_urlsafe(24)


def check_new_token(token: str) -> str:
    """Checks a token that somebody chose.

    Args:
        token: The token.

    Returns:
        The same.

    Raises:
        SettingError: If it is too short or holds a character that a header cannot carry.
    """
    if len(token) < MIN_LENGTH or not all("!" <= character <= "~" for character in token):
        # The token itself is not repeated: it may end up in a log.
        raise SettingError(
            f"token: {MIN_LENGTH} or more ASCII characters without spaces were expected, found {len(token)}",
            hint="leave it out to have one made, or make one with `openssl rand -hex 24`",
        )
    return token


def write_access(authorization: str | None, settings: ApiSettings) -> WriteAccess:
    """Says whether a request may change anything.

    The comparison takes as long for a token that begins rightly as for any other.

    Args:
        authorization: The request's header of that name.
        settings: `token` and `read_only` are looked at.

    Returns:
        Whether it may, or why not.
    """
    if settings.read_only:
        return WriteAccess.READ_ONLY
    scheme, _, given = (authorization or "").strip().partition(" ")
    given = given.strip()
    if scheme.lower() != "bearer" or not given or settings.token is None:
        return WriteAccess.NO_TOKEN
    # Digests have one length, so that the token's own is not told either.
    same = hmac.compare_digest(_digest(given), _digest(settings.token))
    return WriteAccess.GRANTED if same else WriteAccess.WRONG_TOKEN


def require(access: WriteAccess) -> None:
    """Does nothing where access is granted.

    Args:
        access: What `write_access` said.

    Raises:
        UnauthorizedError: If the token is missing or wrong.
        ReadOnlyError: If the service only reads.
    """
    if access is WriteAccess.READ_ONLY:
        raise ReadOnlyError("this service only reads: there are no mutations", hint=READ_ONLY_HINT)
    if access is WriteAccess.NO_TOKEN:
        raise UnauthorizedError("this changes something, and the request carries no token", hint=_HINT)
    if access is WriteAccess.WRONG_TOKEN:
        raise UnauthorizedError("this changes something, and the request's token is not this service's", hint=_HINT)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest()
