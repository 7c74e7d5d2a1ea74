"""`arete embed`: places of the classes in each layer, for run folders that lack them or are to have others."""

from pathlib import Path
from typing import Annotated

import typer

from arete.commands.options import AsJson, Quiet


def embed(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A whole run folder.")],
    seed: Annotated[int, typer.Option("--seed", help="Of the layout; the same seed gives the same places.")] = 0,
    neighbors: Annotated[int, typer.Option("--neighbors", help="How many alike classes a class is kept near to.")] = 15,
    min_dist: Annotated[
        float, typer.Option("--min-dist", help="How near two classes may lie, 0 to 1; less makes tighter clusters.")
    ] = 0.1,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Place a run's classes in each layer so that alike ones lie together (UMAP of their activation counts).

    Ingest does this itself; here it is done for runs of an older Arête, or with other settings. Nothing else of the
    run changes, and `arete load` takes the places over.

    Example: arete embed runs/googlenet --neighbors 30
    """
    from arete.jobs import needing_ingest
    from arete.output import print_json
    from arete.progress import make_progress

    with needing_ingest("embed needs"):
        from arete_ingest.embeddings import embed_run
        from arete_ingest.layout_2d import LayoutSettings
    settings = LayoutSettings(seed=seed, neighbors=neighbors, min_dist=min_dist)
    report = embed_run(run, settings, progress=make_progress(quiet=quiet))
    if as_json:
        print_json(report)
        return
    typer.echo(f"{run}: {report.classes} classes placed in {report.layers} layers\nnext: arete load {run}")
