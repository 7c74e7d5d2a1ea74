"""`arete instances`: what single images excite, where they lie among others, and small pictures of them."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arete.commands.options import AsJson, Device, Home, LowPriority, Quiet, RunModel, RunWeights, items

if TYPE_CHECKING:
    from arete_ingest.instances.job import InstancesResult

_PARTIAL = 3
_LISTED = 10


def instances(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A whole run folder.")],
    data: Annotated[Path, typer.Option("--data", help="Folder of the images, as at ingest or where it lies now.")],
    classes: Annotated[
        list[str] | None,
        typer.Option(
            "--classes",
            help="Names or numbers of classes, commas between, or @GROUP of the loaded run; repeatable. All labels.",
            show_default=False,
        ),
    ] = None,
    images: Annotated[
        int, typer.Option("--images", help="Images of each class, half of them ones that the model gets wrong; 0: all.")
    ] = 50,
    layers: Annotated[
        list[str] | None,
        typer.Option("--layers", help="Layers to measure in, commas between; all.", show_default=False),
    ] = None,
    model: RunModel = None,
    weights: RunWeights = None,
    seed: Annotated[int, typer.Option("--seed", help="Another one draws other images and places them otherwise.")] = 0,
    tile_px: Annotated[int, typer.Option("--tile-px", help="Side of a thumbnail, in pixels.")] = 64,
    device: Device = "auto",
    batch_size: Annotated[
        int | None,
        typer.Option("--batch-size", help="Images computed at once; 16 on a CPU, 128 on a GPU.", show_default=False),
    ] = None,
    workers: Annotated[
        int | None,
        typer.Option("--workers", help="Threads that decode and compute; as many as cores.", show_default=False),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Drop what was measured before, and keep only this.")
    ] = False,
    low_priority: LowPriority = False,
    home: Home = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Measure single images of chosen classes: how strongly each excites every channel.

    The viewer then shows them as rows of its matrix, on a map of their own in each layer (UMAP), and as thumbnails.
    Images that were measured before are kept; naming further classes adds theirs. The run need not be loaded again.

    An image that was moved or changed since ingest is left out and told (exit code 3).

    Example: arete instances runs/googlenet --data tiny-imagenet --weights googlenet.safetensors --classes goldfish,7
    """
    from arete.jobs import lower_priority, needing_ingest
    from arete.output import print_json
    from arete.progress import make_progress

    progress = make_progress(quiet=quiet)
    wanted = [text.strip() for text in classes or () if text.strip()]
    chosen = _with_groups(run, wanted, home, quiet=quiet)
    if low_priority:
        lower_priority()
    with needing_ingest("instances needs"):
        from arete_ingest.instances.job import make_instances
        from arete_ingest.instances.settings import InstanceSettings
    settings = InstanceSettings(
        run=run, data=data, classes=tuple(chosen), images=images or None, model=model, weights=weights, seed=seed,
        layers=items(layers),
        tile_px=tile_px, device=device, batch_size=batch_size, workers=workers, replace=replace,
    )  # fmt: skip
    result = make_instances(settings, progress)
    if as_json:
        print_json(vars(result))
    else:
        typer.echo(_describe(run, result))
    if result.left_out:
        raise typer.Exit(_PARTIAL)


def _with_groups(run: Path, wanted: list[str], home: Path | None, *, quiet: bool) -> list[str]:
    """Puts the numbers of its classes in the place of each group, which only the database knows."""
    if not any(item.startswith("@") for item in wanted):
        return wanted
    from arete.connect import ask
    from arete.progress import make_progress
    from arete.settings import load_settings
    from arete_core.run_folder import RunFolder
    from arete_queries.reads import get_group

    run_id = RunFolder.open(run, verify=False).manifest.id
    found: list[str] = []
    for item in wanted:
        if not item.startswith("@"):
            found.append(item)
            continue
        group = ask(
            load_settings(home=home),
            make_progress(quiet=quiet),
            lambda runner, name=item[1:]: get_group(runner, f"{run_id}/{name}"),
        )
        found += [str(one.index) for one in group.classes]
    return found


def _describe(run: Path, result: "InstancesResult") -> str:
    done = f"{result.measured:,} images of {result.classes} classes measured in {result.layers} layers"
    there = f"{result.already_there:,} were there already, {result.total:,} are there now"
    lines = [f"{run}: {done}, {result.seconds:.1f} s; {there}"]
    left_out = list(result.left_out.items())
    lines += [f"left out: {path}: {reason}" for path, reason in left_out[:_LISTED]]
    if len(left_out) > _LISTED:
        lines.append(f"… and {len(left_out) - _LISTED} more left out: --json lists them")
    return "\n".join(lines)
