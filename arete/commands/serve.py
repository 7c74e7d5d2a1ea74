"""`arete serve`: the API and the viewer."""

from typing import Annotated

import typer

from arete.commands.options import Home, Host, Open, Port, Quiet


def serve(
    host: Host = None,
    port: Port = None,
    token: Annotated[
        str | None,
        typer.Option(
            "--token",
            help="What a request that changes something must carry; one is made at every start unless given. Others on "
            "this machine see an option: ARETE_TOKEN or ARETE_TOKEN_FILE hides it.  [ARETE_TOKEN]",
            show_default=False,
        ),
    ] = None,
    read_only: Annotated[
        bool,
        typer.Option(
            "--read-only", help="No mutations, over an embedded Neo4j that takes no writes.  [ARETE_READ_ONLY]"
        ),
    ] = False,
    open_: Open = False,
    dev: Annotated[bool, typer.Option("--dev", help="Serve GraphiQL and allow introspection from the page.")] = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Serve the GraphQL API and the viewer until Ctrl-C; starts the embedded Neo4j unless ARETE_NEO4J_URL is set."""
    from arete.progress import make_progress
    from arete.serving import serve_viewer
    from arete.settings import load_settings

    settings = load_settings(home=home, host=host, port=port, token=token, read_only=read_only or None)
    serve_viewer(settings, make_progress(quiet=quiet), open_browser=open_, dev=dev)
