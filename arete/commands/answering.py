"""What all commands that ask the database do alike: ask, then print Cypher, JSON or a table."""

from collections.abc import Awaitable, Callable
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

if TYPE_CHECKING:
    from arete_queries.runner import QueryRunner

Answer = TypeVar("Answer")
Choice = TypeVar("Choice", bound=Enum)


def answer(
    question: "Callable[[QueryRunner], Awaitable[Answer]]",
    show: Callable[[Answer], None],
    *,
    home: Path | None,
    quiet: bool,
    as_json: bool,
    cypher: bool = False,
) -> None:
    """Asks the database and prints what it answers.

    Args:
        question: Asks.
        show: Prints the answer for people.
        home: Data folder; the settings' own when None.
        quiet: No progress on stderr.
        as_json: Print the answer as JSON instead.
        cypher: Print only the answer's Cypher.

    Raises:
        AreteError: Whatever settings, engine and question raise.
    """
    from arete.connect import ask
    from arete.output import print_json
    from arete.progress import make_progress
    from arete.settings import load_settings

    found: Any = ask(load_settings(home=home), make_progress(quiet=quiet), question)
    if cypher:
        typer.echo("" if found is None else found.cypher)
    elif as_json:
        print_json(found)
    else:
        show(found)


def choice(kind: type[Choice], option: str, text: str, expected: str) -> Choice:
    """Returns the member that an option's text names; upper and lower case, and - and _, are the same.

    Args:
        kind: Of what.
        option: The option, for the message: `--mode`.
        text: What was typed.
        expected: What may be typed, for the message.

    Raises:
        SettingError: If it names none.
    """
    from arete_core.errors import SettingError

    try:
        return kind(text.lower().replace("-", "_"))
    except ValueError as error:
        raise SettingError(f"{option} {text!r}: {expected} was expected") from error
