"""Excluding channels of a run folder: two files change, whole or not at all; and proposals."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from arete_core.errors import NotFoundError, RunAlteredError, RunConflictError, SettingError
from arete_core.exclusions import channels_table, exclude_channels, excluded_channels, find_channels
from arete_core.files import sha256_of
from arete_core.manifest import MANIFEST
from arete_core.non_semantic import propose_exclusions
from arete_core.run_folder import RunFolder, write_table_beside
from arete_core.run_lock import locked
from run_builder import ClassSpec, LayerSpec, build_run, random_run


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: sha256_of(path) for path in folder.iterdir() if path.is_file()}


def test_only_the_marks_and_the_manifest_change(tmp_path: Path) -> None:
    before = random_run(tmp_path / "run", pictures=True)
    files = hashes(before.path)
    after, changed = exclude_channels(before.path, ["block1/2", "block3/0", "block1/2"], reason=" border\nonly ")
    assert changed == [(1, 2), (3, 0)]
    assert excluded_channels(after) == {(1, 2): "border only", (3, 0): "border only"}
    now = hashes(before.path)
    assert now.keys() == files.keys()
    assert {name for name in now if now[name] != files[name]} == {"channels.parquet", MANIFEST}
    assert RunFolder.open(before.path) == after
    assert after.manifest_sha256 != before.manifest_sha256
    assert after.numbers_sha256 == before.numbers_sha256
    assert exclude_channels(before.path, ["block1/2"]) == (after, [])
    assert hashes(before.path) == now


def test_including_undoes_excluding(tmp_path: Path) -> None:
    run = random_run(tmp_path / "run")
    files = hashes(run.path)
    exclude_channels(run.path, ["block1/2", "block2/4"])
    after, changed = exclude_channels(run.path, ["block1/2", "block0/1"], include=True)
    assert (changed, list(excluded_channels(after))) == ([(1, 2)], [(2, 4)])
    exclude_channels(run.path, ["block2/4"], include=True)
    assert hashes(run.path) == files


def test_an_edited_table_is_still_noticed(tmp_path: Path) -> None:
    run = random_run(tmp_path / "run")
    write_table_beside(run.path, "channels", channels_table([6, 8, 10, 7], {(0, 0): "by hand"})).replace(
        run.path / "channels.parquet"
    )
    with pytest.raises(RunAlteredError, match=r"channels.parquet was edited"):
        RunFolder.open(run.path)


def test_a_folder_that_a_job_writes_is_left_alone(tmp_path: Path) -> None:
    run = random_run(tmp_path / "run")
    files = hashes(run.path)
    with locked(run.path), pytest.raises(RunConflictError, match="is writing"):
        exclude_channels(run.path, ["block1/2"])
    assert hashes(run.path) == files


@pytest.mark.parametrize(
    ("text", "error", "message", "hint"),
    [
        ("block1", SettingError, "'block1' is no channel", "block3/0"),
        ("block1/-2", SettingError, "'block1/-2' is no channel", "block3/0"),
        ("block1/²", SettingError, "is no channel", ""),
        ("/3", SettingError, "is no channel", ""),
        ("blokc1/2", NotFoundError, "blokc1", "block1"),
        ("block1/8", NotFoundError, "block1/8", "channels 0 to 7"),
    ],
)
def test_what_is_no_channel(text: str, error: type[Exception], message: str, hint: str) -> None:
    with pytest.raises(error, match=message) as caught:
        find_channels([text], ["block0", "block1", "block2", "block3"], [6, 8, 10, 7])
    assert hint in getattr(caught.value, "hint", "")


def proposing(path: Path, counts: list[int], kind: str = "label", more: Sequence[int] = ()) -> RunFolder:
    """A run in which channel 1 of the second layer is taken so often in one class after another, of 10 images each."""
    layers = [LayerSpec("first", 2), LayerSpec("second", 3, [0])]
    classes = [
        ClassSpec(f"class {index}", 10, {(0, 0): 5, (1, 1): count, (1, 2): 1}, [(0, 0, 1, 1, 3)], kind=own)
        for index, (count, own) in enumerate([*((one, kind) for one in counts), *((one, "subset") for one in more)])
    ]
    return build_run(path, layers, classes, run_id="proposing")


@pytest.mark.parametrize(
    ("counts", "found"),
    [
        ([9] * 10, True),
        ([9] * 9 + [0], True),
        ([9] * 8 + [8, 8], False),
        ([10] * 9, False),  # too few classes
    ],
)
def test_channels_that_nearly_everything_takes_are_proposed(tmp_path: Path, counts: list[int], found: bool) -> None:
    run = proposing(tmp_path / "run", counts)
    proposed = propose_exclusions(run)
    assert len(proposed) == found
    if found:
        assert proposed[0][:3] == (1, 1, "second/1")
        shares = (sum(count >= 9 for count in counts) / len(counts), sum(counts) / (10 * len(counts)))
        assert proposed[0][3:] == pytest.approx(shares)
        assert propose_exclusions(exclude_channels(run.path, ["second/1"])[0]) == []


def test_proposals_by_other_shares_come_in_order(tmp_path: Path) -> None:
    run = proposing(tmp_path / "run", [6] * 10)
    assert [one.id for one in propose_exclusions(run, of_images=0.5)] == ["second/1", "first/0"]
    assert [one.id for one in propose_exclusions(run, of_images=0.1)] == ["second/1", "first/0", "second/2"]
    for wrong in ({"of_images": 0.0}, {"of_classes": 1.1}):
        with pytest.raises(SettingError, match=next(iter(wrong))):
            propose_exclusions(run, **wrong)


def test_subsets_are_looked_at_only_without_labels(tmp_path: Path) -> None:
    assert propose_exclusions(proposing(tmp_path / "subsets", [9] * 10, kind="subset")) != []
    assert propose_exclusions(proposing(tmp_path / "mixed", [0] * 10, more=[9] * 100)) == []
