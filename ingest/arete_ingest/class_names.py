"""Finds classes by what people call them: folder, name, or the first of several names.

This module does not import torch.
"""

import difflib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from arete_core.errors import DatasetError, NotFoundError


class ClassNames:
    """The ways to name each class folder; upper and lower case are the same.

    Args:
        folders: All class folders.
        names: Their names, in the same order.
    """

    def __init__(self, folders: Sequence[str], names: Sequence[str]) -> None:
        self._folders = folders
        self._names = names
        short = [name.split(",")[0].strip().casefold() for name in names]
        counts = Counter(short)
        self._known = {name: index for index, name in enumerate(short) if counts[name] == 1}
        self._known |= {name.casefold(): index for index, name in enumerate(names)}
        self._known |= {folder.casefold(): index for index, folder in enumerate(folders)}

    def __contains__(self, item: str) -> bool:
        return item.casefold() in self._known

    def index(self, item: str) -> int:
        """Finds a class.

        Args:
            item: Its folder, its name, or the first of its names.

        Returns:
            Its index among the folders.

        Raises:
            NotFoundError: If it names no class, with the nearest names as a hint.
        """
        if item in self:
            return self._known[item.casefold()]
        near = difflib.get_close_matches(item.casefold(), self._known, n=4, cutoff=0.5)
        found = [self._known[key] for key in near]
        shown = ", ".join(dict.fromkeys(f"{self._names[index]} ({self._folders[index]})" for index in found))
        raise NotFoundError(
            "class", item, hint=f"the nearest are: {shown}" if shown else f"the classes are {some(self._folders)}"
        )


def select_classes(wanted: Sequence[str], folders: Sequence[str], names: Sequence[str]) -> list[int]:
    """Finds classes by folder, by name, or by the first of several names (`goldfish` of `goldfish, Carassius auratus`).

    Args:
        wanted: As `scan_folder` takes them. Upper and lower case are the same; an item that is itself a class's name
            is never split at its commas.
        folders: All class folders.
        names: Their names, in the same order.

    Returns:
        Indices, ascending, each once.

    Raises:
        NotFoundError: If an item names no class, with the nearest names as a hint.
        DatasetError: If a file of classes cannot be read.
    """
    known = ClassNames(folders, names)
    return sorted({known.index(item) for item in _class_items(wanted, known)})


def _class_items(wanted: Sequence[str], known: ClassNames) -> Iterator[str]:
    for given in wanted:
        item = given.strip()
        if item.startswith("@"):
            yield from lines_of(Path(item[1:]))
        elif item in known:
            yield item
        else:
            yield from (part.strip() for part in item.split(",") if part.strip())


def lines_of(path: Path) -> list[str]:
    """Reads a text file's lines that are not blank.

    Args:
        path: A UTF-8 file.

    Returns:
        The lines.

    Raises:
        DatasetError: If it cannot be read.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise DatasetError(f"{path} cannot be read: {reason}") from error
    return [line for line in text.splitlines() if line.strip()]


def some(names: Sequence[str]) -> str:
    """Returns the first few names, and how many more there are."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")
