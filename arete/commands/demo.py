"""`arete demo`: everything at once."""

from typing import Annotated

import typer

from arete.commands.options import Home, Host, Open, Port, Quiet


def demo(
    host: Host = None,
    port: Port = None,
    open_: Open = True,
    features: Annotated[
        bool,
        typer.Option(
            "--features/--no-features", help="Measure images and make feature visualizations while the viewer runs."
        ),
    ] = True,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Draw images, count with a small bundled network, load, serve, and open the viewer; Ctrl-C stops it.

    The first time takes about a minute, later ones seconds: what is there already is used again. Measures of single
    images and feature visualizations follow in the next minutes.
    """
    from arete.demo import run_demo
    from arete.progress import make_progress
    from arete.settings import load_settings

    settings = load_settings(home=home, host=host, port=port)
    run_demo(settings, make_progress(quiet=quiet), open_browser=open_, features=features)
