"""`embeddings.parquet`: of which counts it is made, and runs that get it later."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from arete_core.errors import RunFolderError
from arete_core.run_folder import RunFolder
from arete_ingest.embeddings import embed_run, embeddings_table
from arete_ingest.layout_2d import LayoutSettings, place_layers
from run_builder import class_sets_run, hand_worked_run, random_run

SIZES = (6, 8, 10, 7)


def counts_of(folder: RunFolder, column: str) -> list[np.ndarray]:
    """A as matrices, row by row from the table."""
    classes = folder.table("classes").column("class").to_pylist()
    counts = [np.zeros((len(classes), size)) for size in folder.table("layers").column("channels").to_pylist()]
    for row in folder.table("activations").to_pylist():
        counts[row["layer"]][classes.index(row["class"]), row["channel"]] = row[column]
    return counts


@pytest.mark.parametrize("method", ["share", "top-k"])
def test_places_are_those_of_the_method_s_counts(tmp_path: Path, method: str) -> None:
    folder = random_run(tmp_path / "run", class_count=6)
    table = embeddings_table(folder.path, classes=range(6), sizes=SIZES, method=method)
    expected = np.concatenate(list(place_layers(counts_of(folder, "count" if method == "share" else "top_k_count"))))
    assert table.column("layer").to_pylist() == [layer for layer in range(4) for _ in range(6)]
    assert table.column("class").to_pylist() == [*range(6)] * 4
    np.testing.assert_array_equal(table.column("x").to_numpy(), expected[:, 0].astype(np.float32))
    np.testing.assert_array_equal(table.column("y").to_numpy(), expected[:, 1].astype(np.float32))


def test_class_sets_with_gaps_between_their_indices(tmp_path: Path) -> None:
    folder = class_sets_run(tmp_path)
    report = embed_run(folder.path)
    assert (report.run, report.classes, report.layers) == ("sets", 5, 4)
    table = RunFolder.open(folder.path).table("embeddings")
    assert table.column("class").to_pylist() == [1, 3, 5, 6, 7] * 4


def test_a_run_gets_its_places_later_and_nothing_else_changes(tmp_path: Path) -> None:
    folder = random_run(tmp_path / "run", class_count=3)
    embed_run(folder.path, LayoutSettings(seed=4, neighbors=5, min_dist=0.0))
    after = RunFolder.open(folder.path)
    assert after.has("embeddings")
    assert after.manifest.pictures["embeddings"] == {"seed": 4, "neighbors": 5, "min_dist": 0.0}
    assert after.numbers_sha256 == folder.numbers_sha256
    assert after.manifest_sha256 != folder.manifest_sha256
    for name, info in folder.manifest.files.items():
        assert after.manifest.files[name] == info


def test_one_class(tmp_path: Path) -> None:
    folder = hand_worked_run(tmp_path / "run")
    embed_run(folder.path)
    places = RunFolder.open(folder.path).table("embeddings").to_pylist()
    assert {(row["x"], row["y"]) for row in places} == {(0.0, 0.0)}


def test_a_folder_that_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError):
        embed_run(tmp_path)


def test_nothing_slow_is_loaded_before_it_is_needed() -> None:
    """UMAP is for embeddings, torchvision for its own models; torchvision brings the compiler of torch along."""
    code = (
        "import sys, arete.cli, arete_ingest.embeddings, arete_ingest.summit, arete_ingest.job\n"
        "assert not {'umap', 'numba', 'sklearn', 'torchvision', 'torch._dynamo'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
