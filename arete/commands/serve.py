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
    operations: Annotated[
        str | None,
        typer.Option(
            "--operations",
            help="`any` answers every GraphQL document, `viewer` the viewer's own alone.  [ARETE_OPERATIONS, any]",
            show_default=False,
        ),
    ] = None,
    introspection: Annotated[
        bool | None,
        typer.Option(
            "--introspection/--no-introspection",
            help="Answer questions about the schema itself.  [ARETE_INTROSPECTION, yes]",
            show_default=False,
        ),
    ] = None,
    warm_up: Annotated[
        bool | None,
        typer.Option(
            "--warm-up/--no-warm-up",
            help="Ask what the viewer asks in the background after the start, so that people find it quick.  "
            "[ARETE_WARM_UP, yes]",
            show_default=False,
        ),
    ] = None,
    log_format: Annotated[
        str | None,
        typer.Option(
            "--log-format",
            help="`text`, or `json` for one object a line.  [ARETE_LOG_FORMAT, text]",
            show_default=False,
        ),
    ] = None,
    access_log: Annotated[
        bool, typer.Option("--access-log", help="Log one line a request; with `json` always.  [ARETE_ACCESS_LOG]")
    ] = False,
    open_: Open = False,
    dev: Annotated[bool, typer.Option("--dev", help="Serve GraphiQL at /graphql; its scripts come from afar.")] = False,
    home: Home = None,
    quiet: Quiet = False,
) -> None:
    """Serve the GraphQL API and the viewer until Ctrl-C; starts the embedded Neo4j unless ARETE_NEO4J_URL is set."""
    from arete.progress import make_progress
    from arete.serving import serve_viewer
    from arete.settings import load_settings

    settings = load_settings(
        home=home,
        host=host,
        port=port,
        token=token,
        read_only=read_only or None,
        operations=operations,
        introspection=introspection,
        warm_up=warm_up,
        log_format=log_format,
        access_log=access_log or None,
    )
    serve_viewer(settings, make_progress(quiet=quiet), open_browser=open_, dev=dev)
