"""`arete features`: what each channel looks for, as pictures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.options import AsJson, Device, LowPriority, Quiet, RunModel, RunWeights, items

if TYPE_CHECKING:
    from arete_ingest.features.job import FeaturesResult

_SHOWN_WITHOUT = 10


def features(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="Run folder; a stopped job there is continued.")],
    model: RunModel = None,
    weights: RunWeights = None,
    channels: Annotated[
        list[str] | None,
        typer.Option(
            "--channels",
            help="kept (in some class's graph, most used first), all, LAYER or LAYER/CHANNEL, commas between; kept.",
            show_default=False,
        ),
    ] = None,
    mass: Annotated[
        float | None,
        typer.Option("--mass", help="kept: also what graphs hold at this share of rank mass.", show_default=False),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", help="At most this many channels.", show_default=False)
    ] = None,
    diversity: Annotated[
        int, typer.Option("--diversity", help="Further, different pictures a channel; 0 for none.")
    ] = 4,
    steps: Annotated[int, typer.Option("--steps", help="Steps of gradient ascent.")] = 80,
    rate: Annotated[float, typer.Option("--rate", help="Learning rate.")] = 0.1,
    size: Annotated[
        int | None,
        typer.Option("--size", help="Side of the pictures that are optimised; by the layer.", show_default=False),
    ] = None,
    tile_px: Annotated[int, typer.Option("--tile-px", help="Side of a picture as it is kept, in pixels.")] = 96,
    seed: Annotated[int, typer.Option("--seed", help="Another one gives other pictures.")] = 0,
    batch: Annotated[
        int | None,
        typer.Option("--batch", help="Pictures computed at once; 20 on a CPU, 640 on a GPU.", show_default=False),
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option("--threads", help="Batches beside each other on a CPU; as many as cores.", show_default=False),
    ] = None,
    device: Device = "auto",
    replace: Annotated[
        bool, typer.Option("--replace", help="Make all anew where there are pictures of other settings.")
    ] = False,
    low_priority: LowPriority = False,
    sheet: Annotated[
        Path | None,
        typer.Option(
            "--sheet",
            help="Write a contact sheet of what is there to this file (.png, .webp); make nothing.",
            show_default=False,
        ),
    ] = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Make pictures of what channels look for, by optimising images until they excite the channel.

    The service shows them as they are finished. A job that was stopped continues with the same command.

    Look at them beside dataset examples: --sheet FILE

    Example: arete features runs/googlenet --weights googlenet.safetensors
    """
    from arete.jobs import lower_priority, needing_ingest
    from arete.output import print_json
    from arete.progress import make_progress
    from arete_core.errors import SettingError

    wanted = items(channels or ["kept"])
    if sheet is not None:
        _draw_sheet(run, wanted, sheet)
        return
    if low_priority:
        lower_priority()
    with needing_ingest("feature visualizations need"):
        from arete_ingest.features.job import make_features
        from arete_ingest.features.settings import FeatureSettings
    if not wanted:
        raise SettingError("--channels names nothing", hint="kept, all, a layer or LAYER/CHANNEL")
    settings = FeatureSettings(
        run=run, model=model, weights=weights, channels=wanted, mass=mass, limit=limit, diversity=diversity,
        steps=steps, rate=rate, size=size, tile_px=tile_px, seed=seed, batch=batch, threads=threads, device=device,
        replace=replace,
    )  # fmt: skip
    result = make_features(settings, make_progress(quiet=quiet))
    if as_json:
        print_json(vars(result))
    else:
        typer.echo(_describe(run, result))


def _draw_sheet(run: Path, channels: tuple[str, ...], sheet: Path) -> None:
    from arete.jobs import needing_ingest
    from arete_core.run_folder import RunFolder

    with needing_ingest("contact sheets need"):
        from arete_ingest.features.choice import choose_channels
        from arete_ingest.features.sheet import draw_sheet
    folder = RunFolder.open(run, verify=False)
    try:
        count = draw_sheet(folder, choose_channels(folder, channels), sheet)
    except (OSError, ValueError) as error:  # no rights, a full disk; a suffix that is no picture's
        from arete_core.errors import SettingError

        raise SettingError(f"--sheet {sheet} cannot be written: {error}", hint="name a .png or .webp file") from error
    typer.echo(f"{sheet}: {count} channels, feature visualizations at the left, dataset examples at the right")


def _describe(run: Path, result: "FeaturesResult") -> str:
    made = f"{result.made} feature visualizations made in {result.seconds:.1f} s"
    lines = [f"{run}: {made}, {result.already_there} were there already"]
    without = list(result.without.items())
    lines += [f"without a picture: {channel}, {reason}" for channel, reason in without[:_SHOWN_WITHOUT]]
    if len(without) > _SHOWN_WITHOUT:
        lines.append(f"… and {len(without) - _SHOWN_WITHOUT} more, see features.parquet")
    return "\n".join(lines)
