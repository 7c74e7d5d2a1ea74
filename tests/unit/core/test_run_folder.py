"""A run folder is whole, or refused with the reason."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arete_core.errors import RunAlteredError, RunFolderError, RunIncompleteError, RunVersionError
from arete_core.files import sha256_of
from arete_core.manifest import MANIFEST
from arete_core.run_folder import RunFolder, write_table
from arete_core.run_schema import FORMAT_VERSION, OPTIONAL_TABLES, TABLES
from run_builder import random_run, write_run


def edit_manifest(folder: Path, **values: Any) -> None:
    document = json.loads((folder / MANIFEST).read_text())
    (folder / MANIFEST).write_text(json.dumps(document | values))


def test_a_whole_folder_opens_and_gives_its_tables(tmp_path: Path) -> None:
    made = random_run(tmp_path / "run", class_count=4, pictures=True)
    folder = RunFolder.open(str(tmp_path / "run"))
    assert folder == made
    assert folder.path == tmp_path / "run"
    assert folder.manifest_sha256 == sha256_of(tmp_path / "run" / MANIFEST)
    for name, schema in TABLES.items():
        assert folder.table(name).schema.equals(schema), name
    assert folder.has("sprites")
    assert not folder.has("images")
    assert folder.table("images").num_rows == 0
    assert folder.table("classes").num_rows == 4


def test_edges_come_class_by_class(tmp_path: Path) -> None:
    folder = random_run(tmp_path / "run", class_count=5)
    whole = folder.table("influences")
    found = list(folder.influences_by_class())
    assert [index for index, _ in found] == [0, 1, 2, 3, 4]
    assert pa.concat_tables([rows for _, rows in found]).equals(whole)


def test_edges_come_class_by_class_across_file_batches(tmp_path: Path) -> None:
    # More rows than one read of the file gives, a class that begins in one and ends in another, one without any.
    count = 700_000
    classes = np.sort(np.random.default_rng(0).integers(0, 3, count)) * 2
    columns: dict[str, Any] = {name: np.arange(count) for name in TABLES["influences"].names}
    tables = {name: random_run(tmp_path / "other").table(name) for name in ("layers", "channels", "classes")}
    tables["activations"] = TABLES["activations"].empty_table()
    tables["influences"] = pa.table({**columns, "class": classes}).cast(TABLES["influences"])
    (tmp_path / "run").mkdir()
    found = list(write_run(tmp_path / "run", tables).influences_by_class())
    assert [index for index, _ in found] == [0, 2, 4]
    assert [len(rows) for _, rows in found] == np.bincount(classes)[[0, 2, 4]].tolist()
    np.testing.assert_array_equal(
        pa.concat_tables([rows for _, rows in found]).column("count").to_numpy(), np.arange(count)
    )


def test_no_folder_and_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is no folder") as caught:
        RunFolder.open(tmp_path / "nothing")
    assert "arete ingest" in caught.value.hint
    with pytest.raises(RunFolderError, match=r"holds no manifest\.json"):
        RunFolder.open(tmp_path)


def test_half_written(tmp_path: Path) -> None:
    random_run(tmp_path / "run")
    (tmp_path / "run" / MANIFEST).unlink()
    (tmp_path / "run" / "parts").mkdir()
    with pytest.raises(RunIncompleteError, match="not finished") as caught:
        RunFolder.open(tmp_path / "run")
    assert "again" in caught.value.hint


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, 10**9])
def test_newer(tmp_path: Path, version: int) -> None:
    random_run(tmp_path / "run")
    # A newer format may know other fields, which must not hide the reason.
    edit_manifest(tmp_path / "run", format_version=version, unheard_of=True)
    with pytest.raises(RunVersionError, match=f"format version {version}") as caught:
        RunFolder.open(tmp_path / "run")
    assert "upgrade" in caught.value.hint


@pytest.mark.parametrize("version", [0, -1, "1", None, True, 1.0])
def test_no_version_that_ever_was(tmp_path: Path, version: object) -> None:
    random_run(tmp_path / "run")
    edit_manifest(tmp_path / "run", format_version=version)
    with pytest.raises(RunAlteredError, match="format_version"):
        RunFolder.open(tmp_path / "run")


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"x"', "{}", '{"format_version": 1}', "\ud83d"])
def test_a_manifest_that_is_none(tmp_path: Path, text: str) -> None:
    random_run(tmp_path / "run")
    (tmp_path / "run" / MANIFEST).write_bytes(text.encode("utf-8", "surrogatepass"))
    with pytest.raises(RunAlteredError, match=r"manifest\.json"):
        RunFolder.open(tmp_path / "run")


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"state": "running"}, "state"),
        ({"device": 5}, "device"),
        ({"surplus": 1}, "surplus"),
        ({"id": "../../etc"}, "id"),
        ({"id": "A b"}, "id"),
        ({"files": {"../secret.parquet": {"sha256": "0" * 64, "rows": 1}}}, "secret"),
    ],
)
def test_a_manifest_with_a_wrong_value(tmp_path: Path, values: dict[str, Any], what: str) -> None:
    random_run(tmp_path / "run")
    edit_manifest(tmp_path / "run", **values)
    with pytest.raises(RunAlteredError, match=what):
        RunFolder.open(tmp_path / "run")


@pytest.mark.parametrize("name", sorted(TABLES.keys() - OPTIONAL_TABLES))
def test_a_table_that_every_run_has_must_be_listed(tmp_path: Path, name: str) -> None:
    folder = random_run(tmp_path / "run")
    files = {key: info.model_dump() for key, info in folder.manifest.files.items() if key != f"{name}.parquet"}
    edit_manifest(tmp_path / "run", files=files)
    with pytest.raises(RunAlteredError, match=rf"{name}\.parquet"):
        RunFolder.open(tmp_path / "run")


@pytest.mark.parametrize("name", sorted(TABLES.keys() - OPTIONAL_TABLES))
def test_an_edited_table_is_refused(tmp_path: Path, name: str) -> None:
    random_run(tmp_path / "run")
    path = tmp_path / "run" / f"{name}.parquet"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(RunAlteredError, match=rf"{name}\.parquet was edited"):
        RunFolder.open(tmp_path / "run")


@pytest.mark.parametrize("verify", [True, False])
def test_a_missing_table_is_refused_even_unverified(tmp_path: Path, verify: bool) -> None:
    random_run(tmp_path / "run")
    (tmp_path / "run" / "influences.parquet").unlink()
    with pytest.raises(RunAlteredError, match=r"influences\.parquet is missing"):
        RunFolder.open(tmp_path / "run", verify=verify)


def test_a_table_with_other_columns_is_refused(tmp_path: Path) -> None:
    folder = random_run(tmp_path / "good")
    tables = {name: folder.table(name) for name in ("layers", "channels", "classes", "activations", "influences")}
    (tmp_path / "run").mkdir()
    write_run(tmp_path / "run", tables)
    for name in ("classes", "influences"):
        pq.write_table(tables[name].drop_columns(["class"]), tmp_path / "run" / f"{name}.parquet")
    odd = RunFolder.open(tmp_path / "run", verify=False)
    with pytest.raises(RunAlteredError, match=r"classes\.parquet does not have the columns"):
        odd.table("classes")
    with pytest.raises(RunAlteredError, match=r"influences\.parquet does not have the columns"):
        list(odd.influences_by_class())


def test_edges_that_are_not_sorted_are_refused(tmp_path: Path) -> None:
    folder = random_run(tmp_path / "good")
    tables = {name: folder.table(name) for name in ("layers", "channels", "classes", "activations", "influences")}
    tables["influences"] = tables["influences"].slice(5).take(list(range(400, -1, -1)))
    (tmp_path / "run").mkdir()
    with pytest.raises(RunAlteredError, match="not sorted by class"):
        list(write_run(tmp_path / "run", tables).influences_by_class())


def test_a_table_is_whole_or_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = random_run(tmp_path / "run").table("classes")

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "other").mkdir()
    monkeypatch.setattr(pq, "write_table", fail)
    with pytest.raises(OSError, match="No space left"):
        write_table(tmp_path / "other", "classes", table)
    assert list((tmp_path / "other").glob("*.parquet")) == []
