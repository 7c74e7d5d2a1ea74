"""What `arete ingest --dry-run` prints."""

from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from arete_core.progress import Progress
    from arete_ingest.forecast import Forecast
    from arete_ingest.settings import IngestSettings

_MOST_NAMES = 12


def show_forecast(settings: "IngestSettings", progress: "Progress", *, as_json: bool) -> None:
    """Prints what a job is going to be.

    Args:
        settings: What is asked for.
        progress: Where remarks go.
        as_json: Whether a program reads it.
    """
    from arete.output import print_json, print_table
    from arete_ingest.forecast import forecast

    found = forecast(settings, progress)
    if as_json:
        print_json(found)
        return
    typer.echo(
        f"{found.model} at {found.image_size} x {found.image_size}: {len(found.layers)} layers, "
        f"{found.channels:,} channels, {found.pairs / 1e6:,.1f} M pairs to rank in each image\n"
    )
    print_table(
        "",
        ("layer", "kind", "channels", "map", "edges from"),
        [
            (layer.name, layer.kind, layer.channels, f"{layer.height} x {layer.width}", ", ".join(layer.parents))
            for layer in found.layers
        ],
    )
    for line in _lines(found):
        typer.echo(line)


def _lines(found: "Forecast") -> list[str]:
    lines = []
    if found.unshown:
        left = len(found.unshown) - _MOST_NAMES
        names = ", ".join(found.unshown[:_MOST_NAMES])
        more = f", and {left} more (--json lists all)" if left > 0 else ""
        lines += [f"--layers could also show: {names}{more}", ""]
    lines.append(
        f"class sets  {found.class_sets:,}, {found.images:,} images to compute in {found.units:,} units of work"
    )
    lines.append(f"device      {found.device}, {found.kernels}, {_beside(found)}batches of {found.batch_size}")
    if found.seconds is not None and found.ms_per_image is not None:
        spent = f"{found.ms_per_image:.1f} ms an image and thread, besides decoding"
        lines.append(f"time        about {_duration(found.seconds)}, {spent}")
    if found.memory_mb is not None:
        lines.append(
            f"memory      about {found.memory_mb:,.0f} MiB; counts of one class set {found.counts_mb:,.0f} MiB"
        )
    lines.append(
        f"disk        about {found.folder_mb:,.0f} MB, and {found.parts_mb:,.0f} MB more while the job is at work"
    )
    lines.append("nothing was written")
    return lines


def _beside(found: "Forecast") -> str:
    return "" if found.device.startswith("cuda") else f"{found.threads} threads, "


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(seconds, 1):.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
