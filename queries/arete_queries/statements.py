"""The Cypher files: one statement each, with a header that says what goes in and what comes out.

```cypher
// name: shared_channels
// access: read
// params: left: int, right: int, floor: float?
// columns: layer: string, channel: int, counts: list<int>
// One or more lines of prose: what it answers.
MATCH …
```

`access` is `read`, `write` or `schema`; a write that gives the same result when it runs twice says
`write idempotent`, and only reads and such writes are ever sent again after a lost connection. A type is `int`,
`float`, `string`, `bool`, `map`, `node`, `relationship`, `any` or `list<…>`; a trailing `?` allows null. `none` stands
for no parameters or no columns. A parameter used but not declared, or declared but not used, is an error, so that the
header can be trusted.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any, Final, LiteralString, cast

_HEADER: Final = ("name", "access", "params", "columns")
_SCALARS: Final = frozenset({"int", "float", "string", "bool", "map", "node", "relationship", "any"})
_FIELD = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9]*)\s*:\s*(?P<type>\S+)")
_TOKEN = re.compile(
    r"""(?P<skip> //[^\n]* | /\*.*?\*/ | '(?:\\.|[^'\\])*' | "(?:\\.|[^"\\])*" | `(?:``|[^`])*` )
      | \$(?P<parameter>[A-Za-z][A-Za-z0-9]*)""",
    re.VERBOSE | re.DOTALL,
)


class Access(StrEnum):
    """What a statement does to the database."""

    READ = "read"
    WRITE = "write"
    SCHEMA = "schema"


@dataclass(frozen=True)
class Type:
    """A Cypher type as the headers write it: a scalar, or a list of another one; null where `nullable`."""

    name: str
    item: "Type | None" = None
    nullable: bool = False

    @classmethod
    def parse(cls, text: str) -> "Type":
        """Reads a type.

        Args:
            text: For instance `int`, `float?` or `list<list<string>>`.

        Returns:
            The type.

        Raises:
            ValueError: If it is none.
        """
        nullable = text.endswith("?")
        body = text[:-1] if nullable else text
        if body.startswith("list<") and body.endswith(">"):
            return cls("list", cls.parse(body[5:-1]), nullable)
        if body not in _SCALARS:
            raise ValueError(f"unknown type {text!r}")
        return cls(body, None, nullable)

    def accepts(self, value: object, *, deep: bool = False) -> bool:
        """Returns whether a value, as the driver takes and gives it, is of this type.

        Args:
            value: The value.
            deep: Look into lists too, which takes time in proportion to their length.
        """
        if value is None:
            return self.nullable or self.name == "any"
        match self.name:
            case "int":
                return isinstance(value, int) and not isinstance(value, bool)
            case "float":
                return isinstance(value, float)
            case "string":
                return isinstance(value, str)
            case "bool":
                return isinstance(value, bool)
            case "map":
                return isinstance(value, Mapping)
            case "list":
                item = self.item or Type("any")
                return isinstance(value, list) and (not deep or all(item.accepts(v, deep=True) for v in value))
            case "node" | "relationship":
                return hasattr(value, "element_id")
            case _:
                return True

    def __str__(self) -> str:
        body = f"list<{self.item}>" if self.item else self.name
        return body + ("?" if self.nullable else "")


@dataclass(frozen=True)
class Statement:
    """One Cypher file.

    Attributes:
        name: As in the header and the file's name.
        access: What it does.
        idempotent: Whether running it twice leaves what running it once does.
        params: Declared parameters by name.
        columns: Declared columns by name, in order.
        prose: What it answers, one line.
        text: The statement without its header.
        line: Line of the file that `text` starts at, counted from 1.
    """

    name: str
    access: Access
    idempotent: bool
    params: Mapping[str, Type]
    columns: Mapping[str, Type]
    prose: str
    text: LiteralString
    line: int

    def with_values(self, values: Mapping[str, Any]) -> str:
        """Returns the statement with its parameters filled in, ready to paste into Neo4j Browser.

        Args:
            values: One value for each declared parameter.

        Returns:
            Cypher text without parameters, under a comment that says what it answers.

        Raises:
            ValueError: If a value has no literal in Cypher.
        """
        text = _TOKEN.sub(lambda m: m[0] if m["skip"] else literal(values[m["parameter"]]), self.text)
        return f"// {self.prose}\n{text}"


def parse_statement(source: str, file: str) -> Statement:
    """Reads a Cypher file and checks its header.

    Args:
        source: The file's content.
        file: Its name, for the error and to compare with the header's name.

    Returns:
        The statement.

    Raises:
        ValueError: If the header is not as this module's docstring says; names file and line.
    """
    lines = source.splitlines()
    header: list[str] = []
    for number, key in enumerate(_HEADER):
        prefix = f"// {key}:"
        line = lines[number] if number < len(lines) else ""
        if not line.startswith(prefix):
            raise ValueError(f"{file}:{number + 1}: {prefix!r} was expected, found {line!r}")
        header.append(line.removeprefix(prefix).strip())
    name, access, params, columns = header
    if name != file.removesuffix(".cypher"):
        raise ValueError(f"{file}:1: the header's name is {name!r}, the file's own was expected")
    kind, _, note = access.partition(" ")
    if kind not in set(Access) or note not in ("", "idempotent") or (note and kind != "write"):
        raise ValueError(f"{file}:2: read, write, write idempotent or schema was expected, found {access!r}")
    start = len(_HEADER)
    while start < len(lines) and lines[start].startswith("//"):
        start += 1
    prose = " ".join(line.removeprefix("//").strip() for line in lines[len(_HEADER) : start])
    if not prose:
        raise ValueError(f"{file}:{start + 1}: a comment that says what the statement answers was expected")
    text = "\n".join(lines[start:]).strip()
    if not text or ";" in _TOKEN.sub("", text):
        raise ValueError(f"{file}:{start + 1}: exactly one statement without a semicolon was expected")
    declared = dict(_fields(params, f"{file}:3"))
    used = {match["parameter"] for match in _TOKEN.finditer(text) if match["parameter"]}
    if used != set(declared):
        odd = ", ".join(f"${name}" for name in sorted(used ^ set(declared)))
        raise ValueError(f"{file}:3: either declared but not used or used but not declared: {odd}")
    return Statement(
        name=name,
        access=Access(kind),
        idempotent=kind != "write" or note == "idempotent",
        params=declared,
        columns=dict(_fields(columns, f"{file}:4")),
        prose=prose,
        # The one cast: the driver takes only literal text, and these files are part of the package.
        text=cast("LiteralString", text),
        line=start + 1,
    )


def _fields(text: str, place: str) -> Iterator[tuple[str, Type]]:
    if text == "none":
        return
    seen: set[str] = set()
    for part in text.split(","):
        match = _FIELD.fullmatch(part.strip())
        if match is None or match["name"] in seen:
            raise ValueError(f"{place}: `name: type` was expected, each name once, found {part.strip()!r}")
        seen.add(match["name"])
        try:
            yield match["name"], Type.parse(match["type"])
        except ValueError as error:
            raise ValueError(f"{place}: {match['name']}: {error}") from None


def literal(value: object) -> str:
    """Returns a value as a Cypher literal that cannot break out of its place.

    Args:
        value: None, a bool, int, finite float, string, or a list or map of these.

    Returns:
        Cypher text; reading it gives the same value.

    Raises:
        ValueError: If the value has no literal in Cypher: another type, a float that is not finite, an integer of
            more than 64 bits, half a surrogate pair.
    """
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case int() if -(2**63) <= value < 2**63:
            # The lowest one has no positive counterpart that Cypher could negate.
            return str(value) if value > -(2**63) else "(-9223372036854775807 - 1)"
        case float() if value == value and abs(value) != float("inf"):
            return repr(value)
        case str():
            return _string_literal(value)
        case list() | tuple():
            return "[" + ", ".join(literal(item) for item in value) + "]"
        case dict():
            pairs = (f"`{str(key).replace('`', '``')}`: {literal(item)}" for key, item in value.items())
            return "{" + ", ".join(pairs) + "}"
        case _:
            raise ValueError(f"{value!r} has no literal in Cypher")


def _string_literal(text: str) -> str:
    """Escapes quotes, backslashes and whatever is not plain, so that nothing in the text can end the string."""
    parts = []
    for character in text:
        code = ord(character)
        if character in "'\\":
            parts.append("\\" + character)
        elif 0xD800 <= code <= 0xDFFF:
            raise ValueError(f"{text!r} has no literal in Cypher: it holds half a surrogate pair")
        elif code < 0x20 or 0x7F <= code < 0xA0 or code in (0x2028, 0x2029):
            parts.append(f"\\u{code:04X}")
        else:
            parts.append(character)
    return "'" + "".join(parts) + "'"


@cache
def statements() -> Mapping[str, Statement]:
    """Reads all Cypher files of the package, once.

    Returns:
        The statements by name.

    Raises:
        ValueError: If a header is wrong.
    """
    folder: Traversable = resources.files("arete_queries") / "cypher"
    files = sorted((file for file in folder.iterdir() if file.name.endswith(".cypher")), key=lambda file: file.name)
    found = (parse_statement(file.read_text("utf-8"), file.name) for file in files)
    return {statement.name: statement for statement in found}
