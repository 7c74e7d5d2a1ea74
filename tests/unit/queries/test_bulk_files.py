"""What the offline importer is given, and that several threads rank as one does."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from arete_core.class_data import RunData
from arete_core.progress import SilentProgress
from arete_queries.bulk_files import plan_runs, write_bulk_files
from arete_queries.write_class import ClassSummary
from run_builder import class_sets_run, random_run


def test_runs_follow_each_other_without_gaps(tmp_path: Path) -> None:
    runs = plan_runs([(random_run(tmp_path / "a"), 0.0), (class_sets_run(tmp_path), 0.1)])
    assert [(run.id, run.first_key, run.first_channel, run.min_share) for run in runs] == [
        ("tiny", 0, 0, 0.0),
        ("sets", 3, 31, 0.1),
    ]


def test_the_files_hold_every_relationship_of_every_run(tmp_path: Path) -> None:
    runs = plan_runs([(random_run(tmp_path / "a"), 0.0), (class_sets_run(tmp_path), 0.1)])
    (tmp_path / "files").mkdir()
    files = write_bulk_files(tmp_path / "files", runs, SilentProgress())
    tables = {name: pq.read_table(paths[0]) for name, paths in {**files.nodes, **files.relationships}.items()}
    assert set(tables) == {"Channel", "Class", "ACTIVATES", "INFLUENCES", "ATTRIBUTES"}
    assert tables["Channel"].column(":ID(channel)").to_pylist() == list(range(62))
    assert tables["Channel"].column("id:string").to_pylist()[30:32] == ["tiny/block3/6", "sets/block0/0"]
    assert tables["Class"].column("key:long").to_pylist() == list(range(8))
    assert tables["Class"].column("id:string").to_pylist()[3:] == ["sets/1", "sets/3", "sets/5", "sets/6", "sets/7"]
    for run in runs:
        data = RunData(run.folder, min_share=run.min_share)
        for class_ in data.each(np.ones(data.class_count, np.bool_)):
            assert run.classes[class_.row] == ClassSummary.of(class_)
            key = run.first_key + class_.row
            for kind, chosen in (("INFLUENCES", slice(None)), ("ATTRIBUTES", class_.extraction.kept_edges)):
                table = tables[kind]
                own = table.filter(np.equal(table.column("class:long").to_numpy(), key))
                for name, values in (
                    (":START_ID(channel)", run.first_channel + class_.sources[chosen]),
                    (":END_ID(channel)", run.first_channel + class_.targets[chosen]),
                    ("count:long", class_.weights[chosen]),
                ):
                    assert np.array_equal(own.column(name).to_numpy(), values)
            table = tables["ACTIVATES"]
            own = table.filter(np.equal(table.column(":START_ID(class)").to_numpy(), key))
            places = own.column(":END_ID(channel)").to_numpy() - run.first_channel
            assert np.array_equal(own.column("rank:double").to_numpy(), class_.ranks[places])
            assert int(own.column("kept:boolean").to_numpy(zero_copy_only=False).sum()) == class_.extraction.kept.sum()


@pytest.mark.parametrize("workers", [2, 5])
def test_threads_rank_as_one_does(tmp_path: Path, workers: int) -> None:
    data = RunData(random_run(tmp_path / "run", class_count=7), min_share=0.0)
    wanted = np.array([True, False, True, True, True, False, True])
    alone, together = list(data.each(wanted)), list(data.each(wanted, workers=workers))
    assert [one.index for one in together] == [0, 2, 3, 4, 6]
    for one, other in zip(alone, together, strict=True):
        assert (one.index, one.row, one.dropped_share) == (other.index, other.row, other.dropped_share)
        assert np.array_equal(one.ranks, other.ranks)
        assert np.array_equal(one.extraction.kept_edges, other.extraction.kept_edges)
