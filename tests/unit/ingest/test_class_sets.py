"""Superclasses, subsets and single images: as people write them down, and what a run holds of them."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from image_folders import make_folder
from ingest_jobs import counted_alone, hashes, tiny_job

from arete_core.errors import DatasetError, NotFoundError, RunConflictError, SettingError
from arete_core.run_folder import RunFolder
from arete_ingest.class_sets import read_subset, read_superclasses, single_images
from arete_ingest.collapse import collapse
from arete_ingest.dataset import scan_folder
from arete_ingest.job import ingest
from arete_ingest.settings import IngestSettings

SUBSET = ["c/05.png", "a/00.png", "b/19.png"]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_folder(tmp_path_factory.mktemp("images") / "data")
    (folder / "classes.tsv").write_text("a\tant, Formica\nb\tbee\nc\tcat\n")
    return folder


@pytest.fixture(scope="module")
def asked(data: Path, tmp_path_factory: pytest.TempPathFactory) -> IngestSettings:
    base = tmp_path_factory.mktemp("runs")
    (base / "super.tsv").write_text("insect\tant\ninsect\tbee\nwinged\tb\n")
    (base / "few.txt").write_text("\n".join(SUBSET) + "\n")
    return replace(
        tiny_job(data, base / "tiny"),
        superclasses=base / "super.tsv",
        subsets=(("few", base / "few.txt"),),
        single_images=(Path("c/05.png"), Path("b/03.png")),
    )


@pytest.fixture(scope="module")
def run(asked: IngestSettings) -> RunFolder:
    return RunFolder.open(ingest(asked).folder)


def counts_of(run: RunFolder, class_: int) -> tuple[dict, object]:
    activations = {
        (row["layer"], row["channel"]): (row["count"], row["top_k_count"])
        for row in run.table("activations").to_pylist()
        if row["class"] == class_
    }
    edges = dict(run.influences_by_class()).get(class_)
    return activations, None if edges is None else edges.drop_columns("class").to_pylist()


def expected_counts(data: Path, files: list[str]) -> tuple[dict, object]:
    counter, counts, _ = counted_alone([data / file for file in files])
    activations = {
        (layer, channel): (int(share[channel]), int(top[channel]))
        for layer, (share, top) in enumerate(zip(counts.activation_counts, counts.top_k_counts, strict=True))
        for channel in np.flatnonzero(share + top).tolist()
    }
    return activations, collapse(counter.graph, counts).to_table(0).drop_columns("class").to_pylist()


def files_of(*folders: str) -> list[str]:
    return [f"{folder}/{image:02d}.png" for folder in folders for image in range(20)]


def test_every_set_has_the_counts_of_its_images(run: RunFolder, data: Path) -> None:
    rows = run.table("classes").to_pylist()
    assert [(row["class"], row["name"], row["kind"], row["images"], row["failed"]) for row in rows] == [
        (0, "ant, Formica", "label", 20, 0),
        (1, "bee", "label", 20, 0),
        (2, "cat", "label", 20, 0),
        (3, "insect", "superclass", 40, 0),
        (4, "winged", "superclass", 20, 0),
        (5, "few", "subset", 3, 0),
        (6, "05.png", "image", 1, 0),
        (7, "03.png", "image", 1, 0),
    ]
    for class_, files in {
        3: files_of("a", "b"),
        4: files_of("b"),
        5: SUBSET,
        6: ["c/05.png"],
        7: ["b/03.png"],
    }.items():
        assert counts_of(run, class_) == expected_counts(data, files)


def test_accuracy_and_histogram_are_of_each_images_own_label(run: RunFolder, data: Path) -> None:
    rows = run.table("classes").to_pylist()
    for class_, files in {3: files_of("a", "b"), 5: SUBSET, 6: ["c/05.png"]}.items():
        probabilities = counted_alone([data / file for file in files])[2]
        true = np.array(["abc".index(file[0]) for file in files])
        assert rows[class_]["accuracy"] == pytest.approx(np.mean(probabilities.argmax(axis=1) == true))
        own = probabilities[np.arange(len(files)), true]
        assert rows[class_]["histogram"] == np.histogram(own, bins=10, range=(0, 1))[0].tolist()


def test_images_stand_once_and_members_name_them(run: RunFolder) -> None:
    images = run.table("images").to_pylist()
    assert [row["path"] for row in images] == files_of("a", "b", "c")
    assert [row["image"] for row in images] == list(range(60))
    assert run.manifest.dataset.images == 60
    members: dict[int, list[int]] = {}
    for row in run.table("members").to_pylist():
        members.setdefault(row["class"], []).append(row["image"])
    assert members == {3: list(range(40)), 4: list(range(20, 40)), 5: [0, 39, 45], 6: [45], 7: [23]}


def test_sets_change_neither_labels_nor_examples(run: RunFolder, asked: IngestSettings, tmp_path: Path) -> None:
    plain = RunFolder.open(ingest(tiny_job(asked.data, tmp_path / "plain")).folder)
    for name in ("examples", "sprites", "images", "layers", "channels"):
        assert run.manifest.files[f"{name}.parquet"] == plain.manifest.files[f"{name}.parquet"]
    for class_ in range(3):
        assert counts_of(run, class_) == counts_of(plain, class_)
    assert not plain.has("members")
    seen = [(row["layer"], row["channel"], row["image"]) for row in run.table("examples").to_pylist()]
    assert len(seen) == len(set(seen))


def test_a_set_alone_is_the_same_set(run: RunFolder, asked: IngestSettings, data: Path, tmp_path: Path) -> None:
    alone = RunFolder.open(ingest(replace(asked, labels=False, out=tmp_path / "tiny")).folder)
    assert [(row["class"], row["kind"]) for row in alone.table("classes").to_pylist()] == [
        (3, "superclass"),
        (4, "superclass"),
        (5, "subset"),
        (6, "image"),
        (7, "image"),
    ]
    for class_ in range(3, 8):
        assert counts_of(alone, class_) == counts_of(run, class_)
    # Of c only what the sets name was computed.
    assert [row["path"] for row in alone.table("images").to_pylist()] == [*files_of("a", "b"), "c/05.png"]
    one = ingest(replace(tiny_job(data, tmp_path / "one"), labels=False, single_images=(data / "a" / "07.png",)))
    assert (one.images, one.classes) == (1, 1)
    assert RunFolder.open(one.folder).table("images").column("class").to_pylist() == [0]


def test_a_subset_may_name_images_of_labels_that_are_not_asked_for(asked: IngestSettings, tmp_path: Path) -> None:
    part = replace(asked, classes=("b",), limit=2, superclasses=None, out=tmp_path / "tiny")
    run = RunFolder.open(ingest(part).folder)
    assert [row["path"] for row in run.table("images").to_pylist()] == [
        "a/00.png",
        "b/00.png",
        "b/01.png",
        "b/03.png",
        "b/19.png",
        "c/05.png",
    ]
    assert [row["class"] for row in run.table("classes").to_pylist()] == [1, 3, 4, 5]
    assert run.table("classes").to_pylist()[1]["accuracy"] is not None
    seen = [(row["layer"], row["channel"], row["image"]) for row in run.table("examples").to_pylist()]
    assert len(seen) == len(set(seen))
    assert {image for *_, image in seen} <= set(range(6))


def test_a_bad_image_of_a_subset_fails_once(asked: IngestSettings, tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", images=3)
    (data / "b" / "01.png").write_text("no image")
    (tmp_path / "list.txt").write_text("b/01.png\nb/02.png\n")
    settings = replace(tiny_job(data, tmp_path / "tiny"), subsets=(("pair", tmp_path / "list.txt"),))
    result = ingest(settings)
    assert (result.images, result.failed) == (8, 1)
    rows = RunFolder.open(result.folder).table("classes").to_pylist()
    assert [(row["images"], row["failed"]) for row in rows] == [(3, 0), (2, 1), (3, 0), (1, 1)]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"superclasses": None}, r"superclass insect was 2 classes .*, is not given"),
        ({"single_images": ()}, r"image 05\.png was 1 images .*, is not given"),
        ({"labels": False}, "labels was not given, is false"),
        ({"where": "correct"}, "where was not given, is correct"),
    ],
)
def test_other_sets_are_another_job(run: RunFolder, asked: IngestSettings, change: dict, what: str) -> None:
    before = hashes(asked.out)
    with pytest.raises(RunConflictError, match=what):
        ingest(replace(asked, **change))
    assert hashes(asked.out) == before


def test_a_superclass_needs_its_classes_in_the_job(asked: IngestSettings, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="superclass insect holds class ant, Formica, whose images") as caught:
        ingest(replace(asked, classes=("bee",), out=tmp_path / "tiny"))
    assert "--classes a" in caught.value.hint
    assert not (tmp_path / "tiny").exists()


def test_superclasses_as_lines_and_as_json(data: Path, tmp_path: Path) -> None:
    dataset = scan_folder(data)
    (tmp_path / "super.json").write_text(json.dumps({"insect": ["ANT", "bee"], "pet": ["c"]}))
    (tmp_path / "super.tsv").write_text("insect\tant, Formica\n\npet\tcat\ninsect\tb\n")
    for name in ("super.json", "super.tsv"):
        found = read_superclasses(tmp_path / name, dataset.folders, dataset.names)
        assert [(one.name, one.classes) for one in found] == [("insect", (0, 1)), ("pet", (2,))]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("s.tsv", "insect ant\n", "line 1: 'insect ant' is not"),
        ("s.tsv", "", "names no superclass"),
        ("s.json", "[1]", "an object of lists"),
        ("s.json", '{"insect": []}', "'insect' is not a list of at least one"),
        ("s.json", "{", "is no JSON"),
        ("missing.tsv", None, "cannot be read"),
        ("missing.json", None, "cannot be read"),
    ],
)
def test_superclass_files_of_another_form(data: Path, tmp_path: Path, name: str, text: str | None, what: str) -> None:
    dataset = scan_folder(data)
    if text is not None:
        (tmp_path / name).write_text(text)
    with pytest.raises(DatasetError, match=what):
        read_superclasses(tmp_path / name, dataset.folders, dataset.names)


def test_an_unknown_class_in_a_superclass_says_where(data: Path, tmp_path: Path) -> None:
    dataset = scan_folder(data)
    (tmp_path / "s.tsv").write_text("insect\tant\ninsect\tbeetle\n")
    with pytest.raises(NotFoundError, match="'beetle'") as caught:
        read_superclasses(tmp_path / "s.tsv", dataset.folders, dataset.names)
    assert "line 2" in caught.value.hint


def listed(data: Path, tmp_path: Path, text: str) -> list[tuple[int, str]]:
    (tmp_path / "list.txt").write_text(text)
    return list(read_subset("few", tmp_path / "list.txt", scan_folder(data))[0].files)


def test_paths_of_a_subset_may_be_written_in_several_ways(tmp_path: Path) -> None:
    root = tmp_path / "data"
    make_folder(root / "train", images=2)
    make_folder(root / "val", images=1)
    text = f"a/00.png\r\ntrain/b/01.png\n./a/../c/00.png\n{root}/train/b/00.png\nval/a/00.png\n"
    assert listed(root, tmp_path, text) == [
        (0, "train/a/00.png"),
        (0, "val/a/00.png"),
        (1, "train/b/00.png"),
        (1, "train/b/01.png"),
        (2, "train/c/00.png"),
    ]
    (tmp_path / "link").symlink_to(root)
    assert listed(tmp_path / "link", tmp_path, f"{root}/train/a/00.png\n") == [(0, "train/a/00.png")]


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("a/00.png\na/nope.png\nb/nope.png\n", r"subset few: 2 of the 3 images .* the first in line 2: a/nope\.png"),
        ("\n\n", "lists no image"),
        ("../outside.png\n", r"line 1 of .*: \.\./outside\.png lies outside of the data folder"),
        ("loose.png\n", "lies in no class folder"),
        (".hidden/1.png\n", "lies in no class folder"),
    ],
)
def test_subsets_that_cannot_be(tmp_path: Path, text: str, what: str) -> None:
    data = make_folder(tmp_path / "data", images=1)
    (data / ".hidden").mkdir()
    for path in (tmp_path / "outside.png", data / "loose.png", data / ".hidden" / "1.png"):
        path.write_bytes((data / "a" / "00.png").read_bytes())
    with pytest.raises(DatasetError, match=what):
        listed(data, tmp_path, text)


def test_a_path_that_could_be_two_files_is_refused(tmp_path: Path) -> None:
    root = tmp_path / "data"
    make_folder(root / "train", classes=("a",), images=1)
    make_folder(root / "train" / "train", classes=("a",), images=1)
    make_folder(root / "val", images=1)
    with pytest.raises(DatasetError, match="could be"):
        listed(root, tmp_path, "train/a/00.png\n")


def test_lines_that_stand_twice_count_once_and_are_said(data: Path, tmp_path: Path) -> None:
    (tmp_path / "list.txt").write_text("a/00.png\nb/00.png\n./a/00.png\n")
    subset, notes = read_subset("few", tmp_path / "list.txt", scan_folder(data))
    assert len(subset.files) == 2
    assert "1 lines" in notes[0]


def test_names_of_single_images_are_unique(data: Path) -> None:
    sets, notes = single_images([Path("a/00.png"), Path("b/00.png"), Path("c/01.png")], scan_folder(data))
    assert [one.name for one in sets] == ["00.png (a/00.png)", "00.png (b/00.png)", "01.png"]
    assert notes == []
    sets, notes = single_images([Path("a/00.png"), data / "a" / "00.png"], scan_folder(data))
    assert len(sets) == len(notes) == 1
    with pytest.raises(DatasetError, match="is not there"):
        single_images([Path("a/nope.png")], scan_folder(data))


@pytest.mark.parametrize("name", ["BEE", "b", "insect", "", "a\nb"])
def test_names_of_other_sets_are_refused(asked: IngestSettings, tmp_path: Path, name: str) -> None:
    with pytest.raises(DatasetError, match="name"):
        ingest(replace(asked, subsets=((name, asked.subsets[0][1]),), out=tmp_path / "tiny"))


def test_without_labels_something_else_is_needed(asked: IngestSettings) -> None:
    with pytest.raises(SettingError, match="nothing to count"):
        replace(asked, labels=False, superclasses=None, subsets=(), single_images=())
    with pytest.raises(SettingError, match="--no-labels leaves them out"):
        replace(asked, labels=False, classes=("a",))
