"""Class sets that are no labels: superclasses, subsets and single images, as people write them down.

```
birds<TAB>robin              --superclasses FILE     NAME<TAB>class, one membership a line; or JSON {name: [classes]}
birds<TAB>n01608432
a/00.png                     --subset NAME=FILE      one image a line, relative to the data folder
```

Every image of a set lies in some class folder of the data, whose label is its true class. This module does not import
torch.
"""

import functools
import hashlib
import json
import os
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arete_core.errors import DatasetError, NotFoundError
from arete_ingest.class_names import ClassNames, lines_of, some
from arete_ingest.dataset import SPLITS, Dataset

KINDS = ("superclass", "subset", "image")
"""Kinds of sets besides `label`, in the order in which they are numbered."""


@dataclass(frozen=True)
class ClassSet:
    """A class set that is no label.

    Attributes:
        kind: One of `KINDS`.
        name: For people; unique in the run.
        classes: Of a superclass, the indices of its classes, ascending; else empty.
        files: Of a subset or image, each image's class index and its path relative to the data folder, sorted; else
            empty.
    """

    kind: str
    name: str
    classes: tuple[int, ...] = ()
    files: tuple[tuple[int, str], ...] = ()

    def fingerprint(self) -> str:
        """Says in a few words what the set is made of, so that a changed one is noticed and named."""
        digest = hashlib.sha256("\n".join(map(str, self.classes or self.files)).encode("utf-8", "surrogateescape"))
        many, what = (len(self.classes), "classes") if self.classes else (len(self.files), "images")
        return f"{many:,} {what} (sha256 {digest.hexdigest()[:12]})"


def read_superclasses(path: Path, folders: Sequence[str], names: Sequence[str]) -> list[ClassSet]:
    """Reads a file of superclasses.

    Args:
        path: Lines of `NAME<TAB>class`, or JSON `{name: [classes]}` where it ends in `.json`. A class is named by its
            folder, its name, or the first of its names; it may be in several superclasses.
        folders: All class folders.
        names: Their names.

    Returns:
        The superclasses, in the order in which the file names them first.

    Raises:
        DatasetError: If the file cannot be read or is of another form.
        NotFoundError: If it names a class that is not there.
    """
    known = ClassNames(folders, names)
    members: dict[str, set[int]] = {}
    pairs = _json_pairs(path) if path.suffix.lower() == ".json" else _line_pairs(path)
    for place, name, item in pairs:
        try:
            members.setdefault(name, set()).add(known.index(item))
        except NotFoundError as error:
            raise NotFoundError("class", item, hint=f"{place} puts it into superclass {name}; {error.hint}") from error
    if not members:
        raise DatasetError(f"{path} names no superclass", hint="write one `NAME<TAB>class` a line")
    return [ClassSet("superclass", name, classes=tuple(sorted(classes))) for name, classes in members.items()]


def read_subset(name: str, path: Path, dataset: Dataset) -> tuple[ClassSet, list[str]]:
    """Reads a file that lists a subset's images.

    Args:
        name: The subset's name.
        path: One image a line: relative to the data folder or to its split's folder, or absolute inside it.
        dataset: The data folder.

    Returns:
        The subset, and remarks on the file.

    Raises:
        DatasetError: If the file cannot be read or is empty, or if a listed file is not there, lies in no class
            folder, or could be two files.
    """
    found: set[tuple[int, str]] = set()
    missing: list[tuple[int, str]] = []
    lines = 0
    for number, line in _numbered_lines(path):
        lines += 1
        place = f"subset {name}, line {number} of {path}"
        file = locate(line, dataset, place)
        if file is None:
            missing.append((number, line))
        else:
            found.add(file)
    if missing:
        number, line = missing[0]
        raise DatasetError(
            f"subset {name}: {len(missing):,} of the {lines:,} images that {path} lists are not there, the first in "
            f"line {number}: {line}",
            hint=f"write paths relative to {dataset.root}, for instance {_example(dataset)}",
        )
    if not found:
        raise DatasetError(f"subset {name}: {path} lists no image", hint="write one path a line, or leave it out")
    twice = lines - len(found)
    notes = [f"subset {name}: {twice:,} lines of {path} name an image again, it counts once"] if twice else []
    return ClassSet("subset", name, files=tuple(sorted(found))), notes


def single_images(paths: Sequence[Path], dataset: Dataset) -> tuple[list[ClassSet], list[str]]:
    """Makes a class set of each of some images.

    Args:
        paths: As `read_subset` takes them; also relative to the current folder.
        dataset: The data folder.

    Returns:
        The sets in the order given, named by their files' names, and remarks.

    Raises:
        DatasetError: If an image is not there, lies in no class folder, or could be two files.
    """
    found: dict[tuple[int, str], None] = {}
    notes: list[str] = []
    for path in paths:
        file = locate(os.fspath(path), dataset, f"image {path}", from_here=True)
        if file is None:
            raise DatasetError(
                f"image {path} is not there",
                hint=f"give its path relative to {dataset.root}, for instance {_example(dataset)}",
            )
        if file in found:
            notes.append(f"image {path} is given twice, it counts once")
        found[file] = None
    names = Counter(Path(file).name.casefold() for _, file in found)
    taken = {name.casefold() for name in dataset.names}
    sets: list[ClassSet] = []
    for file in found:
        short = Path(file[1]).name
        unique = names[short.casefold()] == 1 and short.casefold() not in taken
        name = _shown(short if unique else f"{short} ({file[1]})")
        sets.append(ClassSet("image", name, files=(file,)))
    return sets, notes


def check_names(sets: Iterable[ClassSet], dataset: Dataset) -> None:
    """Refuses names that could be taken for another class set.

    Args:
        sets: All class sets that are no labels.
        dataset: The data folder, whose labels have names too.

    Raises:
        DatasetError: If a name is empty, cannot be shown, or is another set's; upper and lower case are the same.
    """
    taken = {folder.casefold(): f"the class folder {folder}" for folder in dataset.folders}
    taken |= {name.casefold(): f"the class {name}" for name in dataset.names}
    for one in sets:
        if not one.name.strip() or not one.name.isprintable():
            raise DatasetError(f"{one.kind} {one.name!r}: a name of printable characters was expected")
        if one.name.casefold() in taken:
            raise DatasetError(
                f"{one.kind} {one.name!r} has the name of {taken[one.name.casefold()]}", hint="give it another name"
            )
        taken[one.name.casefold()] = f"the {one.kind} {one.name}"


def locate(given: str, dataset: Dataset, place: str, *, from_here: bool = False) -> tuple[int, str] | None:
    """Finds an image of the data folder.

    Args:
        given: Relative to the data folder or to its split's folder, or absolute inside it.
        dataset: The data folder.
        place: Who asks, for errors.
        from_here: Whether the path may also be relative to the current folder.

    Returns:
        The class whose folder it lies in and its path relative to the data folder, or None where there is no such file.

    Raises:
        DatasetError: If it lies outside of the class folders, or could be two files.
    """
    bases = [dataset.root, dataset.root / dataset.split, *([Path.cwd()] if from_here else [])]
    candidates = dict.fromkeys(os.path.normpath(os.path.join(base, given)) for base in bases)  # noqa: PTH118 - fast
    files = [path for path in candidates if os.path.isfile(path)]  # noqa: PTH113 - a million lines
    if not files:
        return None
    if len(files) > 1:
        raise DatasetError(f"{place}: {given} could be {files[0]} or {files[1]}", hint="write the absolute path")
    path = Path(files[0])
    if not path.is_relative_to(dataset.root):
        # Through a link the same folder may have another name.
        path = dataset.root / os.path.relpath(path.resolve(), dataset.root.resolve())
    relative = os.path.relpath(path, dataset.root)
    parts = Path(relative).parts
    if parts[0] == "..":
        raise DatasetError(
            f"{place}: {given} lies outside of the data folder {dataset.root}", hint="copy it into a class folder"
        )
    # Another split's images have the same labels: a subset may come from it.
    if dataset.split and parts[0] in SPLITS:
        parts = parts[1:]
    places = _places(dataset.folders)
    if len(parts) < 2 or parts[0] not in places:
        raise DatasetError(
            f"{place}: {given} lies in no class folder, so its label is unknown",
            hint=f"the class folders are {some(dataset.folders)}",
        )
    return places[parts[0]], Path(relative).as_posix()


@functools.lru_cache(maxsize=1)
def _places(folders: tuple[str, ...]) -> dict[str, int]:
    return {folder: index for index, folder in enumerate(folders)}


def _numbered_lines(path: Path) -> list[tuple[int, str]]:
    try:
        text = path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    # As the file system gives names, which need not be UTF-8; and only line feeds end a name.
    lines = enumerate(os.fsdecode(text).removeprefix("\ufeff").split("\n"), start=1)
    return [(number, line.strip()) for number, line in lines if line.strip()]


def _line_pairs(path: Path) -> list[tuple[str, str, str]]:
    pairs: list[tuple[str, str, str]] = []
    for number, line in enumerate(lines_of(path), start=1):
        name, tab, item = line.partition("\t")
        if not tab or not name.strip() or not item.strip():
            raise DatasetError(
                f"{path}, line {number}: {line[:60]!r} is not `NAME<TAB>class`",
                hint="separate superclass and class with one tab; one class a line",
            )
        pairs.append((f"{path}, line {number},", " ".join(name.split()), item.strip()))
    return pairs


def _json_pairs(path: Path) -> list[tuple[str, str, str]]:
    try:
        document: Any = json.loads(path.read_bytes())
    except OSError as error:
        raise DatasetError(f"{path} cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise DatasetError(f"{path} is no JSON: {error}") from error
    form = f"{path}: an object of lists of class names was expected"
    hint = 'write {"birds": ["robin", "hen"]}'
    if not isinstance(document, dict):
        raise DatasetError(f"{form}, found {type(document).__name__}", hint=hint)
    pairs: list[tuple[str, str, str]] = []
    for name, items in document.items():
        if not isinstance(items, list) or not items or not all(isinstance(item, str) for item in items):
            raise DatasetError(f"{form}; {name!r} is not a list of at least one name", hint=hint)
        pairs += [(str(path), " ".join(name.split()), item.strip()) for item in items]
    return pairs


def _example(dataset: Dataset) -> str:
    if dataset.classes:
        return dataset.classes[0].files[0]
    return Path(dataset.split, dataset.folders[0], "1.jpg").as_posix()


def _shown(name: str) -> str:
    text = name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)
