"""docs/run-format.md describes every table, column and manifest key, with its type."""

import re
from pathlib import Path

import pytest

from arete_core.manifest import DatasetInfo, Manifest, ModelInfo
from arete_core.run_schema import FORMAT_VERSION, TABLES

PAGE = (Path(__file__).parents[3] / "docs" / "run-format.md").read_text(encoding="utf-8")


def section(title: str) -> str:
    match = re.search(rf"^### {re.escape(title)}.*?$(.*?)(?=^##)", PAGE, re.MULTILINE | re.DOTALL)
    assert match, f"no section for {title}"
    return match[1]


@pytest.mark.parametrize("table", TABLES)
def test_every_column_is_described_with_its_type(table: str) -> None:
    text = section(f"{table}.parquet")
    types = {"bool": "bool", "double": "float64", "float": "float32", "list<item: int32>": "int32"}
    for field in TABLES[table]:
        row = next((line for line in text.splitlines() if f"`{field.name}`" in [*line.split("|"), ""][1]), None)
        assert row, f"{table}.{field.name} is not described"
        kind = row.split("|")[2]
        assert types.get(str(field.type), str(field.type).removeprefix("list<item: ").rstrip(">")) in kind, row
        assert ("null" in kind) == field.nullable, row


def test_every_manifest_key_is_described() -> None:
    nested = {"model": ModelInfo, "dataset": DatasetInfo}
    for key in Manifest.model_fields:
        for inner in nested[key].model_fields if key in nested else [""]:
            name = f"{key}.{inner}" if inner else key
            assert f"`{name}`" in PAGE, f"{name} is not described"
    assert f"format version {FORMAT_VERSION}" in PAGE
