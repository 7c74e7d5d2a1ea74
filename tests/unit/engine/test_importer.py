"""What the importer is told, and what is read from its output."""

from pathlib import Path

import pytest

from arete_queries.engine.importer import ImportFiles, import_arguments, percent_done

# Cut out of what the importer of Neo4j 5.26.31 prints.
NODES = "Import starting\n(1/4) Node import 2026-11-21 16:28:36.000+0000\n  Estimated number of nodes: 5.37 k\n"
LINKING = """\
.......... .......... .......... .......... .......... 100% ∆0ms [4s 987ms]
Relationship import COMPLETED in 4s 987ms

(3/4) Relationship linking 2026-11-21 16:28:52.436+0000
  Estimated required memory usage: 1020MiB
-......... .......... .......... .......... ..........   5% ∆558ms [558ms]
.......... .......... .......... .......... ..........  10% ∆0ms [558ms]
.......... .......... .......... ..-....... ..........  20% ∆736ms [1s 294ms]
"""


@pytest.mark.parametrize(
    ("text", "percent"),
    [("", 0), ("Starting", 0), (NODES, 0), (LINKING, 55), (LINKING + "(4/4) Post processing\n", 75),
     (LINKING + "(4/4) Post processing\n.... 100% ∆0ms [1s]\n", 100)],
)  # fmt: skip
def test_progress_is_read_from_the_last_stage(text: str, percent: int) -> None:
    assert percent_done(text) == percent


def test_nothing_bad_may_be_skipped() -> None:
    files = ImportFiles(
        nodes={"Channel": [Path("/f/channel.parquet")]},
        relationships={
            "INFLUENCES": [Path("/f/a.parquet"), Path("/f/b.parquet")],
            "ATTRIBUTES": [Path("/f/c.parquet")],
        },
    )
    arguments = import_arguments(files, off_heap_mb=1024)
    assert arguments[:4] == ["database", "import", "full", "neo4j"]
    assert {"--strict=true", "--skip-bad-relationships=false", "--skip-duplicate-nodes=false", "--bad-tolerance=0"} <= {
        *arguments
    }
    assert arguments[-3:] == [
        "--nodes=Channel=/f/channel.parquet",
        "--relationships=INFLUENCES=/f/a.parquet,/f/b.parquet",
        "--relationships=ATTRIBUTES=/f/c.parquet",
    ]
    assert "--max-off-heap-memory=1024m" in arguments
