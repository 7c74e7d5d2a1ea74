"""The generator of made-up runs: the same again, exactly as large as asked for, and skewed as real runs are."""

from pathlib import Path

import numpy as np
import pytest

from arete_core.class_data import RunData
from synthetic_runs import synthetic_run

SIZES = (60, 80, 70)


def test_the_same_arguments_give_the_same_rows(tmp_path: Path) -> None:
    one, same, other = (
        synthetic_run(tmp_path / name, class_count=2, edge_count=900, sizes=SIZES, seed=seed)
        for name, seed in (("one", 5), ("same", 5), ("other", 6))
    )
    for table in ("activations", "influences"):
        assert one.table(table).equals(same.table(table))
        assert not one.table(table).equals(other.table(table))


def test_it_can_be_loaded_and_is_skewed(tmp_path: Path) -> None:
    folder = synthetic_run(tmp_path / "run", class_count=3, edge_count=3_000, sizes=SIZES)
    data = RunData(folder, min_share=0.0)  # checks that all fits together
    for class_ in data.each(np.ones(3, np.bool_)):
        counts = class_.weights
        assert len(counts) == 3_000
        assert class_.extraction.mass is not None
        # Of a GoogLeNet: at least a tenth of the images: a third of the edges, 88% of the counts; a hundredth: 99%.
        assert (counts >= 50).mean() == pytest.approx(1 / 3, abs=0.01)
        assert counts[counts >= 50].sum() / counts.sum() == pytest.approx(0.88, abs=0.02)
        assert counts[counts >= 5].sum() / counts.sum() == pytest.approx(0.99, abs=0.005)
        in_degrees, out_degrees = (np.bincount(ends, minlength=210) for ends in (class_.targets, class_.sources))
        assert np.sort(out_degrees)[-21:].sum() > np.sort(in_degrees)[-21:].sum() > 0.15 * 3_000


@pytest.mark.parametrize("edges", [0, 60 * 80 + 80 * 70 + 1])
def test_more_edges_than_pairs_are_refused(tmp_path: Path, edges: int) -> None:
    with pytest.raises(ValueError, match="1 to 10,400 edges"):
        synthetic_run(tmp_path / "run", class_count=1, edge_count=edges, sizes=SIZES)
