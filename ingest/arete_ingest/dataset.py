"""An image folder: which classes there are, which images belong to them, and which model output is which class.

```
DATA/class/**/image.jpg                  one folder a class
DATA/train/class/**/image.jpg            or splits, each with one folder a class
DATA/val/class/**/image.jpg
DATA/classes.tsv                         optional: folder<TAB>name, one class a line
```

A class's index is its place in the sorted list of *all* class folders, so that it stays the same when only some
classes are asked for. This module does not import torch.
"""

import hashlib
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from arete_core.errors import DatasetError, SettingError
from arete_ingest.class_names import lines_of, select_classes

EXTENSIONS = frozenset({".jpg", ".jpeg", ".png", ".webp"})
"""Names that are taken for images. What a file really is, its content decides later."""

SPLITS = ("train", "val", "valid", "validation", "test")
NAMES_FILE = "classes.tsv"


@dataclass(frozen=True)
class ImageClass:
    """A class of the data folder that is asked for.

    Attributes:
        index: Place of its folder in the sorted list of all class folders.
        folder: The folder's name.
        name: For people; unique in the data folder.
        files: Its images, as paths relative to the data folder with forward slashes, sorted.
        bytes: Size of these files together.
    """

    index: int
    folder: str
    name: str
    files: tuple[str, ...]
    bytes: int


@dataclass(frozen=True)
class Dataset:
    """The images of a job.

    Attributes:
        root: The data folder, absolute.
        split: `train`, `val` and the like; empty where the folder has no splits.
        folders: Names of all class folders, sorted; also those that are not asked for.
        names: Their names for people, in the same order, all different.
        classes: The classes whose images were asked for, in order of index; each has at least one image.
        files_sha256: Of the sorted list of the images' relative paths and sizes; the same wherever the folder lies.
        notes: What is worth telling about the folder, one sentence each.
    """

    root: Path
    split: str
    folders: tuple[str, ...]
    names: tuple[str, ...]
    classes: tuple[ImageClass, ...]
    files_sha256: str
    notes: tuple[str, ...]

    @property
    def images(self) -> int:
        """Number of image files asked for."""
        return sum(len(class_.files) for class_ in self.classes)


def scan_folder(
    data: Path | str,
    *,
    split: str | None = None,
    classes: Sequence[str] | None = None,
    limit: int | None = None,
    class_names: Path | str | None = None,
) -> Dataset:
    """Lists the classes and images of a folder. Opens no image: one directory read and one `stat` a file.

    Args:
        data: The folder.
        split: Which of its splits; `train`, or else the first there is, when None.
        classes: Names or folder names of the classes wanted, each item also a comma-separated list or `@FILE` with
            one class a line; all when None, none when empty.
        limit: At most this many images a class, the first in the order of their paths; all when None.
        class_names: A file of `folder<TAB>name` lines; `classes.tsv` in the data folder when None.

    Returns:
        The images, sorted.

    Raises:
        DatasetError: If the folder is missing, no folder, not readable, or has no class folders with images, or if the
            split or the file of names cannot be used.
        NotFoundError: If a class is asked for that is not there.
        SettingError: If the limit is below 1.
    """
    root = Path(data).absolute()
    if limit is not None and limit < 1:
        raise SettingError(f"a limit of {limit} images a class cannot work: at least 1 is expected")
    _check_folder(root)
    split, base = _choose_split(root, split)
    folders = tuple(sorted(entry.name for entry in _entries(base) if entry.is_dir()))
    if not folders:
        raise _no_classes(root, base)
    names = _display_names(root, folders, class_names)
    wanted = list(range(len(folders))) if classes is None else select_classes(classes, folders, names)
    notes: list[str] = []
    found: list[ImageClass] = []
    digest = hashlib.sha256()
    for index in wanted:
        files, sizes = _images_below(root, base / folders[index], limit)
        if not files:
            notes.append(f"class folder {folders[index]} has no images, it is left out")
            continue
        for file, size in zip(files, sizes, strict=True):
            digest.update(f"{file}\t{size}\n".encode("utf-8", "surrogateescape"))
        found.append(ImageClass(index, folders[index], names[index], tuple(files), sum(sizes)))
    if not found and wanted:
        raise _no_images(base)
    if len(found) == 1:
        notes.append("there is only one class: its attribution graph can be made, comparing needs a second one")
    return Dataset(root, split, folders, names, tuple(found), digest.hexdigest(), tuple(notes))


def match_outputs(dataset: Dataset, outputs: int, categories: Sequence[str] | None) -> dict[int, int]:
    """Says which output of the model stands for which class.

    Names come first, because they cannot be wrong by order: where the weights name their outputs and every class is
    among them exactly once, they decide. Else, where there are as many class folders as outputs, the sorted order
    decides, as in torchvision's `ImageFolder`. Else whatever names do match.

    Args:
        dataset: The images.
        outputs: Number of the model's outputs.
        categories: The outputs' names, where the weights bring them.

    Returns:
        Output index of a class index, for all class folders that could be matched; empty where none could.
    """
    by_name: dict[int, int] = {}
    if categories is not None and len(categories) == outputs:
        counts = Counter(name.casefold() for name in categories)
        place = {name.casefold(): output for output, name in enumerate(categories) if counts[name.casefold()] == 1}
        for index, (folder, name) in enumerate(zip(dataset.folders, dataset.names, strict=True)):
            for key in (folder, name, name.split(",")[0].strip()):
                if key.casefold() in place:
                    by_name[index] = place[key.casefold()]
                    break
        if len(set(by_name.values())) < len(by_name):
            by_name = {}
    if len(by_name) == len(dataset.folders):
        return by_name
    if len(dataset.folders) == outputs:
        return {index: index for index in range(outputs)}
    return by_name


def _check_folder(root: Path) -> None:
    try:
        if not root.exists():
            raise DatasetError(
                f"data folder {root} does not exist",
                hint="pass a folder that holds one folder of images a class: --data FOLDER",
            )
        if not root.is_dir():
            raise DatasetError(f"{root} is a file, a folder of images was expected", hint="unpack an archive first")
    except PermissionError as error:
        raise _not_readable(root) from error


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if not entry.name.startswith((".", "__MACOSX"))]
    except PermissionError as error:
        raise _not_readable(folder) from error
    except OSError as error:
        raise DatasetError(f"{folder} cannot be read: {error.strerror}") from error


def _not_readable(folder: Path) -> DatasetError:
    return DatasetError(
        f"{folder} is not readable for this user", hint=f"give yourself the right to read it: chmod -R u+rX {folder}"
    )


def _choose_split(root: Path, split: str | None) -> tuple[str, Path]:
    subfolders = {entry.name for entry in _entries(root) if entry.is_dir()}
    # A class may be called `train` too: only where nothing but splits lies in the folder are they splits.
    splits = [name for name in SPLITS if name in subfolders] if subfolders <= set(SPLITS) else []
    splits = [name for name in splits if any(entry.is_dir() for entry in _entries(root / name))]
    if split is None:
        return (splits[0], root / splits[0]) if splits else ("", root)
    if split not in splits:
        there = f"it has {', '.join(splits)}" if splits else "it has no splits, but class folders directly"
        raise DatasetError(
            f"{root} has no split {split!r}: {there}",
            hint=f"pass --split {splits[0]}" if splits else "leave out --split",
        )
    return split, root / split


def _images_below(root: Path, folder: Path, limit: int | None) -> tuple[list[str], list[int]]:
    found: list[tuple[str, int]] = []
    seen: set[tuple[int, int]] = set()
    pending = [folder]
    while pending:
        current = pending.pop()
        status = current.stat()
        if (status.st_dev, status.st_ino) in seen:  # a link back up
            continue
        seen.add((status.st_dev, status.st_ino))
        for entry in _entries(current):
            if entry.is_dir():
                pending.append(Path(entry.path))
            elif os.path.splitext(entry.name)[1].lower() in EXTENSIONS:  # noqa: PTH122 - a Path an image is slow
                found.append((Path(entry.path).relative_to(root).as_posix(), _size_of(entry)))
    found.sort()
    kept = found[:limit]
    return [path for path, _ in kept], [size for _, size in kept]


def _size_of(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except OSError:
        return 0  # a dangling link: reading it will fail and be recorded


def _no_classes(root: Path, base: Path) -> DatasetError:
    names = [entry.name for entry in _entries(base)]
    if not names:
        return DatasetError(f"{base} is empty", hint="it should hold one folder of images a class")
    if any(Path(name).suffix.lower() in EXTENSIONS for name in names):
        return DatasetError(
            f"{base} holds images but no class folders", hint=f"put them into folders, one a class: {root}/cat/1.jpg"
        )
    return DatasetError(f"{base} holds no class folders", hint="it should hold one folder of images a class")


def _no_images(base: Path) -> DatasetError:
    seen: Counter[str] = Counter()
    for _, _, files in os.walk(base):
        seen.update(Path(file).suffix.lower() or "no extension" for file in files)
    what = ", ".join(f"{count} {kind}" for kind, count in seen.most_common(4)) or "no files at all"
    return DatasetError(
        f"{base} has class folders without images (found: {what})",
        hint=f"files ending in {', '.join(sorted(EXTENSIONS))} are taken for images",
    )


def _display_names(root: Path, folders: Sequence[str], file: Path | str | None) -> tuple[str, ...]:
    path = root / NAMES_FILE if file is None else Path(file)
    given: dict[str, str] = {}
    if file is not None or path.is_file():
        for number, line in enumerate(lines_of(path), start=1):
            folder, tab, name = line.partition("\t")
            if not tab or not name.strip():
                raise DatasetError(
                    f"{path}, line {number}: {line[:60]!r} is not `folder<TAB>name`",
                    hint="separate folder and name with one tab",
                )
            given[folder.strip()] = " ".join(name.split())
    names = [given.get(folder, folder) for folder in folders]
    counts = Counter(name.casefold() for name in names)
    return tuple(
        f"{name} ({folder})" if counts[name.casefold()] > 1 else name
        for name, folder in zip(names, folders, strict=True)
    )
