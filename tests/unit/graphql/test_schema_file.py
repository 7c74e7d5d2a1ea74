"""The committed schema is the one that the code builds, and every part of it is described."""

import subprocess
import sys
from pathlib import Path

from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    build_schema,
)

from arete_graphql.schema import SCHEMA_FILE, schema_text


def test_the_committed_schema_is_current() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == schema_text(), (
        "graphql/schema.graphql differs from the code: run `python -m arete_graphql.schema` and commit it"
    )


def test_the_module_writes_the_file(tmp_path: Path) -> None:
    target = tmp_path / "schema.graphql"
    subprocess.run([sys.executable, "-m", "arete_graphql.schema", str(target)], check=True, timeout=120)
    assert target.read_text(encoding="utf-8") == schema_text()


def test_every_type_field_argument_and_value_is_described() -> None:
    bare = []
    for name, type_ in build_schema(schema_text()).type_map.items():
        if name.startswith("__") or not isinstance(
            type_, (GraphQLObjectType, GraphQLEnumType, GraphQLInterfaceType, GraphQLInputObjectType)
        ):
            continue
        parts = {name: type_.description}
        if isinstance(type_, GraphQLEnumType):
            parts |= {f"{name}.{value}": described.description for value, described in type_.values.items()}
        else:
            for field_name, field in type_.fields.items():
                parts[f"{name}.{field_name}"] = field.description
                for argument_name, argument in getattr(field, "args", {}).items():
                    parts[f"{name}.{field_name}({argument_name})"] = argument.description
        bare += [part for part, description in parts.items() if not description]
    assert bare == []


def test_no_place_on_disk_is_part_of_the_schema() -> None:
    fields = build_schema(schema_text()).type_map["Run"]
    assert isinstance(fields, GraphQLObjectType)
    assert "folder" not in fields.fields
