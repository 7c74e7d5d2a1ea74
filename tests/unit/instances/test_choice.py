"""Which images are measured: drawn by seed, the ones that the model gets wrong among them."""

from pathlib import Path

import numpy as np
import pytest

from arete_core.errors import CapabilityError, NotFoundError
from arete_ingest.instances.choice import ClassImages, RunImages, choose_images
from run_builder import class_sets_run, random_run, with_images


def images_of(rights: dict[int, list[bool]], names: dict[int, str] | None = None) -> RunImages:
    """A run whose labels' images the model gets right or wrong as said."""
    right = np.array([one for rows in rights.values() for one in rows], np.bool_)
    labels = np.repeat(list(rights), [len(rows) for rows in rights.values()]).astype(np.int32)
    classes = {
        index: ClassImages(index, (names or {}).get(index, f"class {index}"), "label", np.flatnonzero(labels == index))
        for index in rights
    }
    return RunImages([""] * len(right), labels, np.full(len(right), 0.5, np.float32), right, classes)


@pytest.mark.parametrize(
    ("wrong", "right", "count", "expected"),
    [
        (10, 10, 6, (3, 3)),
        (10, 10, 7, (3, 4)),
        (2, 10, 6, (2, 4)),  # all of the few that are wrong
        (10, 1, 6, (5, 1)),
        (0, 10, 6, (0, 6)),
        (10, 0, 6, (6, 0)),
        (2, 2, 6, (2, 2)),
        (3, 4, None, (3, 4)),
    ],
)
def test_half_of_the_places_are_for_wrong_ones(
    wrong: int, right: int, count: int | None, expected: tuple[int, int]
) -> None:
    run = images_of({0: [False] * wrong + [True] * right})
    drawn = choose_images(run, run.classes.values(), count, 0)
    assert (int((~run.right[drawn]).sum()), int(run.right[drawn].sum())) == expected
    assert (np.diff(drawn) > 0).all()


def test_what_is_drawn_of_a_class_depends_on_no_other_one() -> None:
    rights = {index: [place % 3 > 0 for place in range(40)] for index in range(3)}
    run = images_of(rights)
    alone = [choose_images(run, [one], 10, 5) for one in run.classes.values()]
    assert np.array_equal(choose_images(run, run.classes.values(), 10, 5), np.concatenate(alone))
    # More images hold the fewer ones, and another seed draws others.
    assert np.isin(alone[1], choose_images(run, [run.classes[1]], 20, 5)).all()
    assert not np.array_equal(alone[1], choose_images(run, [run.classes[1]], 10, 6))
    places = [own - own.min() for own in alone]
    assert len({tuple(own) for own in places}) == 3  # no two classes draw the same places


def test_classes_are_found_by_name_and_number() -> None:
    run = images_of(
        {3: [True], 5: [True], 12: [True]}, {3: "goldfish, Carassius auratus", 5: "Bullfrog", 12: "cock, male"}
    )

    def found(*wanted: str) -> list[int]:
        return [one.index for one in run.find(wanted)]

    assert found() == [3, 5, 12]
    assert found("GOLDFISH") == [3]
    assert found("goldfish, Carassius auratus", "5") == [3, 5]
    assert found("12, bullfrog,12") == [12, 5]
    for wrong, near in (
        ("frog", "5 (Bullfrog)"),
        ("7", "3 (goldfish"),
        ("cock,male", "12 (cock, male)"),
        ("", "there"),
    ):
        with pytest.raises(NotFoundError) as caught:
            found(wrong)
        assert near in caught.value.hint


def test_members_of_class_sets_and_images_that_could_not_be_read(tmp_path: Path) -> None:
    folder = with_images(class_sets_run(tmp_path / "run"))
    run = RunImages.read(folder)
    table = folder.table("images").to_pylist()
    readable = {row["image"] for row in table if row["error"] is None}
    for row in folder.table("classes").to_pylist():
        own = {one["image"] for one in table if one["class"] == row["class"]}
        if row["kind"] != "label":
            own = {one["image"] for one in folder.table("members").to_pylist() if one["class"] == row["class"]}
        assert run.classes[row["class"]].images.tolist() == sorted(own & readable)
    assert {one.kind for one in run.find(())} == {"label"}


def test_a_run_without_images_says_so(tmp_path: Path) -> None:
    with pytest.raises(CapabilityError, match="imported without its images"):
        RunImages.read(random_run(tmp_path / "run"))
