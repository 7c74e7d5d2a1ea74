"""Image folders in every shape, good and bad."""

import os
import shutil
from pathlib import Path

import pytest
from image_folders import as_nobody, make_folder

from arete_core.errors import DatasetError, NotFoundError, SettingError
from arete_ingest.dataset import match_outputs, scan_folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return make_folder(tmp_path / "data", images=3)


def rename(data: Path, lines: str) -> Path:
    (data / "classes.tsv").write_text(lines)
    return data


def test_classes_and_images_are_sorted(data: Path) -> None:
    dataset = scan_folder(data)
    assert dataset.folders == ("a", "b", "c")
    assert [class_.index for class_ in dataset.classes] == [0, 1, 2]
    assert dataset.classes[1].files == ("b/00.png", "b/01.png", "b/02.png")
    assert dataset.images == 9
    assert dataset.split == ""
    assert dataset.notes == ()


def test_nested_folders_belong_to_their_class(data: Path) -> None:
    (data / "a" / "more" / "deep").mkdir(parents=True)
    shutil.copy(data / "a" / "00.png", data / "a" / "more" / "deep" / "x.JPEG")
    (data / "a" / "notes.txt").write_text("no image")
    (data / "a" / ".hidden.png").write_text("no image")
    assert scan_folder(data).classes[0].files == ("a/00.png", "a/01.png", "a/02.png", "a/more/deep/x.JPEG")


def test_a_link_back_up_ends(data: Path) -> None:
    (data / "a" / "loop").symlink_to(data / "a", target_is_directory=True)
    assert len(scan_folder(data).classes[0].files) == 3


def test_train_is_the_default_split(tmp_path: Path) -> None:
    make_folder(tmp_path / "data" / "train", images=2)
    make_folder(tmp_path / "data" / "val", images=1)
    default = scan_folder(tmp_path / "data")
    assert (default.split, default.images) == ("train", 6)
    assert default.classes[0].files[0] == "train/a/00.png"
    assert scan_folder(tmp_path / "data", split="val").images == 3
    with pytest.raises(DatasetError, match="has no split 'test': it has train, val"):
        scan_folder(tmp_path / "data", split="test")


def test_a_class_called_train_is_a_class(tmp_path: Path) -> None:
    make_folder(tmp_path / "data", classes=("car", "train"), images=1)
    assert scan_folder(tmp_path / "data").folders == ("car", "train")
    with pytest.raises(DatasetError, match="no splits"):
        scan_folder(tmp_path / "data", split="train")


def test_limit_takes_the_first_of_each_class(data: Path) -> None:
    assert [class_.files for class_ in scan_folder(data, limit=1).classes] == [
        ("a/00.png",),
        ("b/00.png",),
        ("c/00.png",),
    ]
    with pytest.raises(SettingError):
        scan_folder(data, limit=0)


def test_index_is_that_of_the_full_list(data: Path) -> None:
    dataset = scan_folder(data, classes=["c", "B"])
    assert [(class_.index, class_.folder) for class_ in dataset.classes] == [(1, "b"), (2, "c")]
    assert dataset.folders == ("a", "b", "c")


def test_names_come_from_the_tsv_and_are_made_unique(data: Path) -> None:
    rename(data, "a\tcrane, bird\nb\tcrane, bird\nc\tgoldfish, Carassius auratus\nz\tunused\n")
    dataset = scan_folder(data)
    assert dataset.names == ("crane, bird (a)", "crane, bird (b)", "goldfish, Carassius auratus")
    for wanted in ("goldfish, Carassius auratus", "GOLDFISH", "c"):
        assert [class_.folder for class_ in scan_folder(data, classes=[wanted]).classes] == ["c"]


def test_classes_as_list_and_file(data: Path, tmp_path: Path) -> None:
    assert len(scan_folder(data, classes=["a, c"]).classes) == 2
    (tmp_path / "wanted.txt").write_text("c\n\na\n")
    assert len(scan_folder(data, classes=[f"@{tmp_path / 'wanted.txt'}"]).classes) == 2
    with pytest.raises(DatasetError, match=r"missing\.txt cannot be read"):
        scan_folder(data, classes=["@missing.txt"])


def test_an_unknown_class_names_the_nearest(data: Path) -> None:
    rename(data, "a\tgoldfish\nb\tbullfrog\nc\talligator\n")
    with pytest.raises(NotFoundError, match="'goldfisch'") as caught:
        scan_folder(data, classes=["goldfisch"])
    assert "goldfish (a)" in caught.value.hint


def test_other_names_file(data: Path, tmp_path: Path) -> None:
    (tmp_path / "names.tsv").write_text("a\tfirst\n")
    assert scan_folder(data, class_names=tmp_path / "names.tsv").names == ("first", "b", "c")
    (tmp_path / "names.tsv").write_text("a first\n")
    with pytest.raises(DatasetError, match="line 1"):
        scan_folder(data, class_names=tmp_path / "names.tsv")
    with pytest.raises(DatasetError, match="cannot be read"):
        scan_folder(data, class_names=tmp_path / "missing.tsv")


def test_hash_does_not_depend_on_the_root_but_on_every_file(data: Path, tmp_path: Path) -> None:
    first = scan_folder(data).files_sha256
    shutil.copytree(data, tmp_path / "elsewhere")
    assert scan_folder(tmp_path / "elsewhere").files_sha256 == first
    assert scan_folder(data, limit=2).files_sha256 != first
    with (data / "b" / "01.png").open("ab") as file:
        file.write(b"x")
    assert scan_folder(data).files_sha256 != first


def test_a_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist"):
        scan_folder(tmp_path / "nowhere")


def test_a_file_instead_of_a_folder(tmp_path: Path) -> None:
    (tmp_path / "data.zip").touch()
    with pytest.raises(DatasetError, match="is a file"):
        scan_folder(tmp_path / "data.zip")


def test_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="is empty"):
        scan_folder(tmp_path)


def test_images_without_class_folders(data: Path) -> None:
    with pytest.raises(DatasetError, match="no class folders") as caught:
        scan_folder(data / "a")
    assert "one a class" in caught.value.hint


def test_class_folders_without_images(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "picture.bmp").touch()
    with pytest.raises(DatasetError, match=r"without images \(found: 1 \.bmp\)"):
        scan_folder(tmp_path)


def test_one_empty_class_keeps_its_index(data: Path) -> None:
    (data / "aa").mkdir()
    dataset = scan_folder(data)
    assert [class_.index for class_ in dataset.classes] == [0, 2, 3]
    assert dataset.notes == ("class folder aa has no images, it is left out",)


def test_one_class_is_accepted_with_a_note(tmp_path: Path) -> None:
    dataset = scan_folder(make_folder(tmp_path / "data", classes=("only",), images=2))
    assert dataset.images == 2
    assert "comparing needs a second one" in dataset.notes[0]


@pytest.mark.parametrize("locked", ["", "b"])
def test_a_folder_without_the_right_to_read_it(data: Path, tmp_path: Path, locked: str) -> None:
    for folder in (tmp_path, *tmp_path.parents[:2]):
        folder.chmod(0o755)
    (data / locked).chmod(0)
    try:
        with as_nobody(), pytest.raises(DatasetError, match="not readable") as caught:
            scan_folder(data)
        assert "chmod" in caught.value.hint
    finally:
        (data / locked).chmod(0o755)


def test_a_name_that_is_no_utf8(data: Path) -> None:
    (data / "a" / "00.png").rename(data / "a" / os.fsdecode(b"caf\xe9.png"))
    assert len(scan_folder(data).classes[0].files) == 3


def test_outputs_by_order_where_the_numbers_agree(data: Path) -> None:
    assert match_outputs(scan_folder(data, classes=["b"]), 3, None) == {0: 0, 1: 1, 2: 2}


def test_outputs_by_name_where_the_weights_name_them(data: Path) -> None:
    rename(data, "a\tgoldfish, Carassius auratus\n")
    dataset = scan_folder(data)
    assert match_outputs(dataset, 3, ["c", "Goldfish", "b"]) == {0: 1, 1: 2, 2: 0}
    assert match_outputs(dataset, 5, ["x", "b", "goldfish", "y", "z"]) == {1: 1, 0: 2}
    assert match_outputs(dataset, 5, ["v", "w", "x", "y", "z"]) == {}
    assert match_outputs(dataset, 5, ["b", "b", "x", "y", "z"]) == {}, "a name that stands twice decides nothing"
    assert match_outputs(dataset, 5, None) == {}
