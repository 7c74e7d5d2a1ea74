"""`arete doctor`: what is missing on this machine, and the command that mends it."""

import typer

from arete.commands.options import AsJson, Home


def doctor(as_json: AsJson = False, home: Home = None) -> None:
    """Check what this machine has and lacks; exit code 1 if something must be mended."""
    from arete.connect import engine_settings
    from arete.output import print_json
    from arete.settings import load_settings
    from arete_queries.engine import doctor as check_all

    checks = check_all(engine_settings(load_settings(home=home)))
    if as_json:
        print_json(checks)
    else:
        marks = {"ok": "✓", "warn": "!", "fail": "✗"}
        for check in checks:
            typer.echo(f"{marks[check.status]} {check.name}: {check.found}")
            if check.mend:
                typer.echo(f"    expected: {check.expected}")
                typer.echo(f"    do: {check.mend}")
    if any(check.status == "fail" for check in checks):
        raise typer.Exit(1)
