"""Options that several commands share, so that the same word means the same everywhere."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

Home = Annotated[
    Path | None,
    typer.Option("--home", help="Data folder: engine, store, demo.  [ARETE_HOME]", show_default=False),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on stdout.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress on stderr.")]
Run = Annotated[
    str | None,
    typer.Option("--run", help="Run to look in; needed where there are several.", show_default=False),
]
Mass = Annotated[
    float | None,
    typer.Option(
        "--mass",
        help="Share of each layer's rank mass to keep, above 0 and at most 1; the stored share unless given.",
        show_default=False,
    ),
]
MinShare = Annotated[
    float,
    typer.Option("--min-share", "--floor", help="Leave out edges seen in less than this share of the class's images."),
]
Class = Annotated[str, typer.Argument(metavar="CLASS", help="Name, a part of it, or id (RUN/INDEX).")]
Cypher = Annotated[bool, typer.Option("--cypher", help="Print the Cypher that gives this, and stop.")]
First = Annotated[int, typer.Option("--first", help="How many to list at most, 1 to 500.")]
Host = Annotated[
    str | None, typer.Option("--host", help="Address to listen on.  [ARETE_HOST, 127.0.0.1]", show_default=False)
]
Port = Annotated[
    int | None,
    typer.Option("--port", help="Port to listen on; 0 takes a free one.  [ARETE_PORT, 8700]", show_default=False),
]
Open = Annotated[bool, typer.Option("--open/--no-open", help="Open the viewer in the browser.")]
RunModel = Annotated[str | None, typer.Option("--model", help="As at ingest; known from the run.", show_default=False)]
RunWeights = Annotated[
    str | None, typer.Option("--weights", help="As at ingest; needed where that was a file.", show_default=False)
]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
LowPriority = Annotated[bool, typer.Option("--low-priority", help="Leave the processor to others that want it.")]


def items(values: Sequence[str] | None) -> tuple[str, ...]:
    """Returns what an option names that is repeatable and takes several things with commas between."""
    return tuple(item.strip() for value in values or () for item in value.split(",") if item.strip())
