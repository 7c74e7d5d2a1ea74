"""`arete exclude`: leave channels out of attribution graphs, or take them in again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.answering import answer
from arete.commands.options import AsJson, Home, Quiet

if TYPE_CHECKING:
    from arete_core.non_semantic import Proposal
    from arete_queries.exclusion import ExclusionReport
    from arete_queries.runner import QueryRunner


def exclude(
    run: Annotated[str, typer.Argument(metavar="RUN", help="Id of a loaded run, or a run folder.")],
    channels: Annotated[
        list[str] | None, typer.Argument(metavar="[LAYER/CHANNEL]...", help="Channels.", show_default=False)
    ] = None,
    include: Annotated[bool, typer.Option("--include", help="Take them in again.")] = False,
    reason: Annotated[str | None, typer.Option("--reason", help="Why; noted with the channel.")] = None,
    propose: Annotated[
        bool, typer.Option("--propose", help="List channels that nearly all images of nearly all classes take.")
    ] = False,
    of_images: Annotated[
        float, typer.Option("--of-images", help="Nearly all images of a class, with --propose.")
    ] = 0.9,
    of_classes: Annotated[float, typer.Option("--of-classes", help="Nearly all classes, with --propose.")] = 0.9,
    as_json: AsJson = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Leave channels out of attribution graphs, for instance non-semantic ones. Counts stay as they are.

    Of a loaded run only the classes that touch the channels are ranked anew; its run folder is marked too where it is
    still there. Of a run folder nothing but a small table changes; `arete load` then ranks what it must.

    Example: arete exclude googlenet inception3a/67 inception3a/190 --reason "border only"
    """
    from arete_core.errors import BadInput

    if propose == bool(channels):
        raise BadInput(
            "channels, or --propose, were expected",
            hint="arete exclude RUN LAYER/CHANNEL, or arete exclude RUN --propose",
        )
    if propose:
        _propose(run, of_images, of_classes, home, as_json=as_json, quiet=quiet)
    elif (Path(run) / "manifest.json").is_file():
        _exclude_in_folder(Path(run), channels or [], reason, include=include, as_json=as_json)
    else:
        _exclude_loaded(run, channels or [], reason, home, include=include, as_json=as_json, quiet=quiet)


def _exclude_in_folder(folder: Path, channels: list[str], reason: str | None, *, include: bool, as_json: bool) -> None:
    from arete.output import print_json
    from arete_core.exclusions import BY_HAND, exclude_channels, excluded_channels

    run, changed = exclude_channels(folder, channels, reason=reason or BY_HAND, include=include)
    excluded = len(excluded_channels(run))
    if as_json:
        print_json({"folder": str(run.path), "changed": len(changed), "excluded": excluded})
        return
    typer.echo(f"{folder}: {_changed(len(changed), include=include)}, {excluded} are excluded now")
    if changed:
        typer.echo(f"next: arete load {folder}")


def _exclude_loaded(
    run: str, channels: list[str], reason: str | None, home: Path | None, *, include: bool, as_json: bool, quiet: bool
) -> None:
    from arete.progress import make_progress
    from arete_core.exclusions import BY_HAND
    from arete_queries.exclusion import exclude as exclude_loaded

    progress = make_progress(quiet=quiet)

    async def question(runner: "QueryRunner") -> "ExclusionReport":
        return await exclude_loaded(runner, run, channels, reason=reason or BY_HAND, include=include, progress=progress)

    def show(report: "ExclusionReport") -> None:
        typer.echo(
            f"{run}: {_changed(len(report.channels), include=include)}, {report.classes_ranked:,} classes ranked anew, "
            f"{len(report.excluded)} channels are excluded now"
        )

    answer(question, show, home=home, quiet=quiet, as_json=as_json)


def _changed(count: int, *, include: bool) -> str:
    return f"{count} channels {'taken in again' if include else 'excluded'}"


def _propose(run: str, of_images: float, of_classes: float, home: Path | None, *, as_json: bool, quiet: bool) -> None:
    from arete.output import print_json, print_table
    from arete_core.non_semantic import LEAST_CLASSES, propose_exclusions
    from arete_core.run_folder import RunFolder

    folder = Path(run) if (Path(run) / "manifest.json").is_file() else _folder_of(run, home, quiet=quiet)
    found: list[Proposal] = propose_exclusions(RunFolder.open(folder), of_images=of_images, of_classes=of_classes)
    if as_json:
        print_json([one._asdict() for one in found])
        return
    if not found:
        typer.echo(
            f"nothing to propose: no channel is taken by {of_images:.0%} of the images of {of_classes:.0%} of the "
            f"classes, or there are fewer than {LEAST_CLASSES}"
        )
        return
    print_table(
        f"{len(found)} channels that nearly all images of nearly all classes take",
        ("channel", "share of classes", "share of images"),
        [(one.id, one.classes, one.images) for one in found],
    )
    typer.echo("look at what they see before you exclude them: whether a channel means something is for you to say")


def _folder_of(run: str, home: Path | None, *, quiet: bool) -> Path:
    from arete.connect import ask
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_core.errors import NotFoundError

    async def question(runner: "QueryRunner") -> str:
        found = await runner.run("load_state", {"run": run})
        if not found:
            raise NotFoundError("run", run, hint="list the runs with `arete runs`, or name a run folder")
        return found[0]["folder"]

    return Path(ask(load_settings(home=home), make_progress(quiet=quiet), question))
