"""`--where`: only images that are predicted right, or wrong, are counted."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from image_folders import make_folder
from ingest_jobs import counted_alone, tiny_job

from arete_core.errors import SettingError
from arete_core.run_folder import RunFolder
from arete_ingest.collapse import collapse
from arete_ingest.job import ingest
from arete_ingest.settings import IngestSettings


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> IngestSettings:
    base = tmp_path_factory.mktemp("where")
    data = make_folder(base / "data")
    (base / "few.txt").write_text("a/00.png\nb/07.png\nb/08.png\nc/01.png\n")
    (base / "super.tsv").write_text("two\tb\ntwo\tc\n")
    return replace(tiny_job(data, base / "tiny"), superclasses=base / "super.tsv", subsets=(("few", base / "few.txt"),))


@pytest.fixture(scope="module")
def runs(asked: IngestSettings) -> dict[str, RunFolder]:
    return {
        where: RunFolder.open(ingest(replace(asked, where=where, out=asked.out.with_name(where))).folder)
        for where in ("all", "correct", "misclassified")
    }


def right(run: RunFolder) -> list[bool]:
    return [row["class"] == row["predicted"] for row in run.table("images").to_pylist()]


def test_both_kinds_of_images_are_there(runs: dict[str, RunFolder]) -> None:
    assert 0 < sum(right(runs["all"])) < 60


@pytest.mark.parametrize("where", ["correct", "misclassified"])
def test_only_the_images_asked_for_are_counted(runs: dict[str, RunFolder], asked: IngestSettings, where: str) -> None:
    run = runs[where]
    images = run.table("images").to_pylist()
    members = run.table("members").to_pylist()
    edges = dict(run.influences_by_class())
    total = set()
    for row in run.table("classes").to_pylist():
        own = {member["image"] for member in members if member["class"] == row["class"]}
        own |= {image["image"] for image in images if image["class"] == row["class"]}
        counted = [
            images[image]
            for image in sorted(own)
            if (images[image]["class"] == images[image]["predicted"]) == (where == "correct")
        ]
        total |= {image["image"] for image in counted}
        assert (row["images"], row["failed"]) == (len(counted), 0)
        counter, counts, _ = counted_alone([asked.data / image["path"] for image in counted])
        expected = collapse(counter.graph, counts).to_table(row["class"])
        assert edges.get(row["class"], expected.slice(0, 0)).equals(expected)
        found = [r["count"] for r in run.table("activations").to_pylist() if r["class"] == row["class"] and r["count"]]
        assert found == [int(n) for layer in counts.activation_counts for n in layer if n]
    assert run.manifest.dataset.images == len(total)


@pytest.mark.parametrize("where", ["correct", "misclassified"])
def test_the_others_keep_their_record_and_are_no_examples(runs: dict[str, RunFolder], where: str) -> None:
    run = runs[where]
    assert run.table("images").equals(runs["all"].table("images"))
    for one, other in zip(run.table("classes").to_pylist(), runs["all"].table("classes").to_pylist(), strict=True):
        assert (one["accuracy"], one["histogram"]) == (other["accuracy"], other["histogram"])
    answers = right(run)
    shown = {row["image"] for row in run.table("examples").to_pylist()}
    assert shown
    assert {answers[image] for image in shown} == {where == "correct"}


def test_both_halves_add_up_to_the_whole(runs: dict[str, RunFolder]) -> None:
    def activations(where: str) -> np.ndarray:
        dense = np.zeros((5, 2, 8), np.int64)
        for row in runs[where].table("activations").to_pylist():
            dense[row["class"], row["layer"], row["channel"]] = row["count"]
        return dense

    np.testing.assert_array_equal(activations("correct") + activations("misclassified"), activations("all"))


def test_a_class_without_such_an_image_is_there_with_none(asked: IngestSettings, tmp_path: Path) -> None:
    settings = replace(asked, superclasses=None, subsets=(), where="correct", out=tmp_path / "tiny")
    run = RunFolder.open(ingest(settings).folder)
    rows = run.table("classes").to_pylist()
    empty = [row for row in rows if row["images"] == 0]
    assert empty, "the untrained network never answers with some class"
    assert all(row["accuracy"] == 0 and sum(row["histogram"]) == 20 for row in empty)
    assert not {row["class"] for row in empty} & {row["class"] for row in run.table("activations").to_pylist()}


def test_outputs_have_to_be_known(tmp_path: Path) -> None:
    data = make_folder(tmp_path / "data", classes=("x", "y"), images=2)
    with pytest.raises(
        SettingError, match=r"--where correct needs to know which output stands for each class.*3 outputs"
    ):
        ingest(replace(tiny_job(data, tmp_path / "tiny"), where="correct"))
    assert not (tmp_path / "tiny").exists()


def test_another_word_is_refused(asked: IngestSettings) -> None:
    with pytest.raises(SettingError, match="all, correct, misclassified"):
        replace(asked, where="wrong")
