"""The engine's generated password.

It is made before the first start and kept in `neo4j/password`, readable by its owner only from its first byte. Neo4j
learns it as `neo4j-admin dbms set-initial-password` tells it: a salted hash in `data/dbms/auth.ini`. That hash is made
here because the tool takes the password as an argument, which every user of the machine can read in the list of
processes, and because it takes a second to start Java for it.
"""

import hashlib
import secrets
from pathlib import Path

from arete_core.errors import EngineError
from arete_core.files import write_bytes_atomically
from arete_queries.engine.config import USER, EnginePaths

_ITERATIONS = 1024  # what Neo4j 5 writes and reads


def read_password(paths: EnginePaths) -> str:
    """Returns the password of an engine that has been started before.

    Raises:
        EngineError: The file is missing, empty or cannot be read.
    """
    try:
        password = paths.password.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise EngineError(
            f"the engine's password file {paths.password} cannot be read ({error})",
            hint=f"put the file back; or, to begin with an empty database, remove the folder {paths.root}",
        ) from error
    if not password:
        raise EngineError(
            f"the engine's password file {paths.password} is empty",
            hint=f"put the password back; or, to begin with an empty database, remove the folder {paths.root}",
        )
    return password


def ensure_password(paths: EnginePaths) -> str:
    """Returns the engine's password, made and told to Neo4j first when there is no store yet.

    A store without its password file is left alone: nobody could log in with a new password.

    Raises:
        EngineError: There is a store but no readable password.
    """
    if paths.password.exists() or paths.databases.exists():
        password = read_password(paths)
    else:
        password = secrets.token_urlsafe(24)
        write_bytes_atomically(paths.password, password.encode(), mode=0o600)
    if not paths.auth.exists():
        # Read by Neo4j only while the store has no user, so it may stay for good.
        paths.auth.parent.mkdir(parents=True, exist_ok=True)
        write_bytes_atomically(
            paths.auth, credential_line(USER, password, secrets.token_bytes(32)).encode(), mode=0o600
        )
    return password


def credential_line(user: str, password: str, salt: bytes) -> str:
    """Returns a line of `auth.ini`: user, algorithm, hash, salt and number of iterations.

    The hash is SHA-256 over salt and password, then over itself until there were 1,024 rounds.
    """
    digest = hashlib.sha256(salt + password.encode()).digest()
    for _ in range(_ITERATIONS - 1):
        digest = hashlib.sha256(digest).digest()
    return f"{user}:SHA-256,{digest.hex()},{salt.hex()},{_ITERATIONS}:\n"


def make_private(folder: Path) -> None:
    """Makes a folder that only its owner may enter."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o700)
