"""The header parser, and the literals that values become."""

import math
from typing import Any

import pytest

from arete_queries.statements import Access, Type, literal, parse_statement, statements

GOOD = """\
// name: good
// access: write idempotent
// params: left: int, names: list<string>, floor: float?
// columns: n: int, label: string?
// Answers a question,
// on two lines.
MATCH (n {a: $left}) // not a parameter: $comment
WHERE n.name IN $names AND n.share >= $floor AND n.price <> '5 $dollar' AND n.`odd $tick` = "$quoted"
RETURN n.a AS n, n.label AS label
"""


def test_a_header_is_read() -> None:
    found = parse_statement(GOOD, "good.cypher")
    assert (found.name, found.access, found.idempotent, found.line) == ("good", Access.WRITE, True, 7)
    assert {name: str(type_) for name, type_ in found.params.items()} == {
        "left": "int",
        "names": "list<string>",
        "floor": "float?",
    }
    assert {name: str(type_) for name, type_ in found.columns.items()} == {"n": "int", "label": "string?"}
    assert found.prose == "Answers a question, on two lines."
    assert found.text.startswith("MATCH (n {a: $left})")


@pytest.mark.parametrize(
    ("change", "place", "what"),
    [
        (("// name: good\n", ""), "bad.cypher:1:", "// name:"),
        (("// name: good", "// name: other"), "bad.cypher:1:", "other"),
        (("write idempotent", "wrote"), "bad.cypher:2:", "wrote"),
        (("write idempotent", "read idempotent"), "bad.cypher:2:", "read idempotent"),
        (("// access: write idempotent\n", ""), "bad.cypher:2:", "// access:"),
        (("left: int", "left: integer"), "bad.cypher:3:", "integer"),
        (("left: int", "left"), "bad.cypher:3:", "left"),
        (("left: int,", "left: int, left: int,"), "bad.cypher:3:", "each name once"),
        (("left: int, ", ""), "bad.cypher:3:", r"\$left"),
        (("floor: float?", "floor: float?, spare: int"), "bad.cypher:3:", r"\$spare"),
        (("n: int,", "n: list<int,"), "bad.cypher:4:", "list<int"),
        (("// Answers a question,\n// on two lines.\n", ""), "bad.cypher:5:", "comment"),
        (("RETURN n.a", "RETURN 1; RETURN n.a"), "bad.cypher:7:", "semicolon"),
    ],
)
def test_a_bad_header_names_file_and_line(change: tuple[str, str], place: str, what: str) -> None:
    source = GOOD.replace(*change).replace("// name: good", "// name: bad")
    assert source != GOOD
    with pytest.raises(ValueError, match=what) as caught:
        parse_statement(source, "bad.cypher")
    assert str(caught.value).startswith(place)


def test_a_file_without_a_statement_is_refused() -> None:
    with pytest.raises(ValueError, match=r"empty.cypher:6: exactly one statement"):
        parse_statement(
            "// name: empty\n// access: read\n// params: none\n// columns: none\n// Nothing.\n", "empty.cypher"
        )


@pytest.mark.parametrize(
    ("type_", "good", "bad"),
    [
        ("int", [0, -1, 2**62], [True, 1.0, "1", None]),
        ("float", [0.5, -1.0], [1, "x", None]),
        ("float?", [0.5, None], [1]),
        ("string", ["", "x"], [1, None, b"x"]),
        ("bool", [True, False], [0, 1, None]),
        ("map", [{}, {"a": 1}], [[], None]),
        ("list<int>", [[], [1, 2]], [[1, "x"], [None], (1,), None]),
        ("list<list<int?>>", [[[1, None]], []], [[1], [["x"]]]),
        ("any", [None, 1, "x"], []),
        ("node", [], [{}, 1, None]),
    ],
)
def test_types_accept_what_they_say(type_: str, good: list[Any], bad: list[Any]) -> None:
    parsed = Type.parse(type_)
    assert str(parsed) == type_
    assert [value for value in good if not parsed.accepts(value, deep=True)] == []
    assert [value for value in bad if parsed.accepts(value, deep=True)] == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (7, "7"),
        (-(2**63), "(-9223372036854775807 - 1)"),
        (0.1, "0.1"),
        (1e-300, "1e-300"),
        ("it's", r"'it\'s'"),
        ("back\\slash", r"'back\\slash'"),
        ("\\u0027", r"'\\u0027'"),
        ("line\nbreak", r"'line\u000Abreak'"),
        (["a", 1, None], "['a', 1, null]"),
        ({"a`b": 1}, "{`a``b`: 1}"),
    ],
)
def test_literals(value: object, text: str) -> None:
    assert literal(value) == text


@pytest.mark.parametrize("value", [math.nan, math.inf, 2**63, "\ud800", object(), b"x", {1, 2}])
def test_what_has_no_literal_is_refused(value: object) -> None:
    with pytest.raises(ValueError, match="no literal in Cypher"):
        literal(value)


def test_values_are_filled_in_but_not_into_strings_and_comments() -> None:
    text = parse_statement(GOOD, "good.cypher").with_values({"left": 3, "names": ["$left", "b'"], "floor": None})
    assert text == (
        "// Answers a question, on two lines.\n"
        "MATCH (n {a: 3}) // not a parameter: $comment\n"
        "WHERE n.name IN ['$left', 'b\\''] AND n.share >= null AND n.price <> '5 $dollar' "
        'AND n.`odd $tick` = "$quoted"\n'
        "RETURN n.a AS n, n.label AS label"
    )


def test_the_package_s_own_files_all_parse() -> None:
    found = statements()
    assert len(found) > 40
    assert all(name == statement.name for name, statement in found.items())
    schema = [statement for statement in found.values() if statement.access is Access.SCHEMA]
    assert all("IF NOT EXISTS" in statement.text for statement in schema)
