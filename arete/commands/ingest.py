"""`arete ingest`: images and a model to a run folder."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arete.commands.options import AsJson, Device, Quiet, items

if TYPE_CHECKING:
    from arete_ingest.job import IngestResult

_PARTIAL = 3
"""Exit code of a job that is done but had to leave images out."""


def ingest(
    model: Annotated[
        str, typer.Option("--model", help="torchvision classifier, timm:NAME, or package.module:factory.")
    ],
    data: Annotated[
        Path, typer.Option("--data", help="Image folder: one folder a class, or train/ and val/ with such folders.")
    ],
    out: Annotated[Path, typer.Option("--out", help="Run folder to write; a killed job there is continued.")],
    weights: Annotated[
        str | None,
        typer.Option("--weights", help="safetensors or state dict file, DEFAULT, or random.", show_default=False),
    ] = None,
    image_size: Annotated[
        int | None,
        typer.Option("--image-size", help="Side of the model's input; the weights' own, else 224.", show_default=False),
    ] = None,
    classes: Annotated[
        list[str] | None,
        typer.Option("--classes", help="Only these: names or folders, commas between, or @FILE.", show_default=False),
    ] = None,
    superclasses: Annotated[
        Path | None,
        typer.Option("--superclasses", help="Sums of classes: NAME<TAB>CLASS lines, or .json.", show_default=False),
    ] = None,
    subset: Annotated[
        list[str] | None,
        typer.Option("--subset", help="NAME=FILE: images listed in FILE, one a line; repeatable.", show_default=False),
    ] = None,
    image: Annotated[
        list[Path] | None,
        typer.Option(
            "--image", help="One image of the data as a class set of its own; repeatable.", show_default=False
        ),
    ] = None,
    labels: Annotated[
        bool, typer.Option("--labels/--no-labels", help="Count every label, or only the sets given.")
    ] = True,
    where: Annotated[
        str, typer.Option("--where", help="Count all images, or only those predicted correct or misclassified.")
    ] = "all",
    layers: Annotated[
        list[str] | None,
        typer.Option(
            "--layers", help="Layers to show: names or patterns (layer?.*), commas between.", show_default=False
        ),
    ] = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude", help="LAYER/CHANNEL to leave out of attribution graphs; repeatable.", show_default=False
        ),
    ] = None,
    scores: Annotated[
        list[str] | None,
        typer.Option("--scores", help="Further scores to rank by: gradient (x activation).", show_default=False),
    ] = None,
    limit: Annotated[
        int | None, typer.Option("--limit", help="At most this many images a class.", show_default=False)
    ] = None,
    split: Annotated[
        str | None, typer.Option("--split", help="train, val, …; train where there are splits.", show_default=False)
    ] = None,
    class_names: Annotated[
        Path | None,
        typer.Option("--class-names", help="FOLDER<TAB>NAME lines; classes.tsv in the data.", show_default=False),
    ] = None,
    name: Annotated[
        str | None, typer.Option("--name", help="The run's name; the run folder's own.", show_default=False)
    ] = None,
    method: Annotated[
        str, typer.Option("--method", help="Activation counts by share of the layer, or its top-k channels.")
    ] = "share",
    share: Annotated[float, typer.Option("--share", help="Share that an image's counted channels reach.")] = 0.03,
    top_k: Annotated[int, typer.Option("--top-k", help="Channels a layer that the top-k method counts.")] = 5,
    influence_k: Annotated[int, typer.Option("--influence-k", help="Inputs counted for each output channel.")] = 5,
    examples: Annotated[int, typer.Option("--examples", help="Dataset examples a channel; 0 for none.")] = 10,
    class_examples: Annotated[
        bool,
        typer.Option(
            "--class-examples/--no-class-examples", help="As many of each class for the channels of its graph, too."
        ),
    ] = True,
    tile_px: Annotated[int, typer.Option("--tile-px", help="Side of an example's picture, in pixels.")] = 96,
    device: Device = "auto",
    dtype: Annotated[str, typer.Option("--dtype", help="float32, or float64 to check it.")] = "float32",
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", help="Images computed at once; 32.", show_default=False)
    ] = None,
    workers: Annotated[
        int | None, typer.Option("--workers", help="Threads that decode images.", show_default=False)
    ] = None,
    threads: Annotated[
        int | None,
        typer.Option(
            "--threads", help="Units counted beside each other on the CPU; as many as cores.", show_default=False
        ),
    ] = None,
    memory_mb: Annotated[
        float | None,
        typer.Option(
            "--memory-mb", help="Memory the job may take on a CPU; of counting, on a GPU.", show_default=False
        ),
    ] = None,
    max_failed: Annotated[
        float, typer.Option("--max-failed", help="Share of unreadable images at which the job fails.")
    ] = 0.01,
    seed: Annotated[int, typer.Option("--seed", help="For random weights.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show layers, work, memory and disk to expect; write nothing.")
    ] = False,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Count which channels each class excites and which earlier channels cause them; write a run folder.

    A job that was interrupted continues with the same command; one that is done does nothing. Exit code 3 says that it
    is done but had to leave images out.

    Several GPUs or machines share a job: torchrun --no-python --nproc-per-node N arete ingest …

    What a job is going to be: --dry-run

    Example: arete ingest --model googlenet --weights DEFAULT --data imagenet/ --out runs/googlenet
    """
    from arete.commands.forecast import show_forecast
    from arete.jobs import needing_ingest
    from arete.output import print_json
    from arete.progress import make_progress

    with needing_ingest("ingest needs"):
        from arete_ingest.job import ingest as run_job
        from arete_ingest.settings import IngestSettings

    options: dict[str, Any] = {
        "method": method, "share": share, "top_k": top_k, "influence_k": influence_k, "examples": examples,
        "class_examples": class_examples,
        "tile_px": tile_px, "device": device, "dtype": dtype, "batch_size": batch_size, "workers": workers,
        "threads": threads, "memory_mb": memory_mb, "max_failed": max_failed, "seed": seed, "limit": limit,
        "split": split, "name": name, "class_names": class_names, "image_size": image_size, "weights": weights,
        "classes": tuple(classes) if classes else None, "superclasses": superclasses, "labels": labels, "where": where,
        "subsets": tuple(map(_named_file, subset or ())), "single_images": tuple(image or ()),
        "layers": items(layers) or None, "exclude": items(exclude),
        "scores": items(scores),
    }  # fmt: skip
    settings, progress = IngestSettings(model=model, data=data, out=out, **options), make_progress(quiet=quiet)
    if dry_run:
        show_forecast(settings, progress, as_json=as_json)
        return
    result = run_job(settings, progress)
    if result.process:
        return  # the job's first process speaks for all
    if as_json:
        print_json({**vars(result), "folder": str(result.folder)})
    else:
        typer.echo(_describe(result, data))
    # torchrun takes every code but 0 for a failure, and would start the job again.
    if result.failed and result.processes == 1:
        raise typer.Exit(_PARTIAL)


def _named_file(text: str) -> tuple[str, Path]:
    from arete_core.errors import SettingError

    name, sign, file = text.partition("=")
    if not sign or not name.strip() or not file:
        raise SettingError(f"--subset {text!r} is not NAME=FILE", hint="for instance --subset hard=hard.txt")
    return " ".join(name.split()), Path(file)


def _describe(result: "IngestResult", data: Path) -> str:
    left_out = f", {result.failed:,} images left out (see images.parquet)" if result.failed else ""
    if result.already_done:
        done = f"{result.folder}: done already, {result.images:,} images{left_out}"
        return done if _has_instances(result.folder) else f"{done}\n{_single_images(result.folder, data)}"
    return (
        f"{result.folder}: {result.images:,} images in {result.classes} classes, {result.seconds:.1f} s{left_out}\n"
        f"next: arete load {result.folder}\n{_single_images(result.folder, data)}"
    )


def _single_images(folder: Path, data: Path) -> str:
    return f"to look at single images too: arete instances {folder} --data {data} (--classes NAMES)"


def _has_instances(folder: Path) -> bool:
    from arete_core.run_folder import RunFolder

    return RunFolder.open(folder, verify=False).has("instances")
