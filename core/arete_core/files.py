"""Files that are whole or absent: write beside, flush to disk, rename; and hashes of what is there."""

import hashlib
import os
from pathlib import Path


def sha256_of(path: Path) -> str:
    """Returns the sha256 of a file as 64 hex digits. Reads it once in blocks: about 1 GB/s, constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sync_folder(folder: Path) -> None:
    """Flushes a folder's entries to disk, so that a rename in it survives a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Flushes a file's content to disk."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def commit_file(temporary: Path, path: Path, *, mode: int | None = None) -> None:
    """Moves a finished temporary file to its name, atomically and durably.

    Args:
        temporary: The written file, in the same folder as `path`.
        path: Its final name; replaced if it exists.
        mode: Permission bits to give it first; unchanged when None.
    """
    sync_file(temporary)
    if mode is not None:
        temporary.chmod(mode)
    temporary.replace(path)
    sync_folder(path.parent)


def write_bytes_atomically(path: Path, data: bytes, *, mode: int | None = None) -> None:
    """Writes `data` so that a reader sees the old file or the whole new one, never a part.

    Args:
        path: Where to; its folder must exist.
        data: The whole content.
        mode: Permission bits; when given, the bytes are never readable under looser ones.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o666 if mode is None else mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        commit_file(temporary, path, mode=mode)
    except BaseException:
        temporary.unlink(missing_ok=True)  # a full disk is not filled with parts
        raise
