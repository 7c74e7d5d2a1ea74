"""What commands print: tables for people, JSON for programs. Data goes to stdout and nothing else does."""

import dataclasses
import json
import sys
from collections.abc import Sequence
from enum import Enum
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table


def print_json(value: object) -> None:
    """Prints a result as JSON; dataclasses become objects, a trailing underscore of a field's name is dropped."""
    json.dump(to_plain(value), sys.stdout, indent=2, ensure_ascii=False)
    sys.stdout.write("\n")


def to_plain(value: object) -> Any:
    """Turns dataclasses, enums and tuples into what JSON knows, leaving out what belongs to the service alone."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name.rstrip("_"): to_plain(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.name != "folder"
        }
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, dict):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [to_plain(item) for item in value]
    return value


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Prints rows as a table; numbers are set to the right, None as a dash.

    Args:
        title: Printed above it; empty for none.
        columns: Headings.
        rows: As many cells a row as there are headings; floats print with four significant digits.
    """
    table = Table(title=title or None, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for position, heading in enumerate(columns):
        numeric = any(isinstance(row[position], int | float) for row in rows)
        table.add_column(heading, justify="right" if numeric else "left", overflow="fold")
    for row in rows:
        table.add_row(*(_cell(cell) for cell in row))
    Console(highlight=False).print(table)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, int):
        return f"{value:,}"
    return str(value)
