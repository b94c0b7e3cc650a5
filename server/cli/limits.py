"""`tamis limits`: what questions may cost."""

from __future__ import annotations

import click
from rich.text import Text

from engine.budget import QueryLimits
from server.cli.command import Command
from server.cli.session import Session


@click.command(cls=Command)
@click.option("--budget", type=click.FloatRange(min=0.001), metavar="SECONDS", help="give the workspace its own budget")
@click.option("--default", "back", is_flag=True, help="take it away: the default of the settings holds again")
@click.pass_obj
def limits(session: Session, budget: float | None, back: bool) -> None:
    """Show or change how many estimated seconds a question may cost in this workspace."""
    if back and budget is not None:
        raise click.UsageError("give --budget or --default")
    with session.backend() as backend:
        if back or budget is not None:
            found = backend.limit(None if budget is None else budget * 1000)
        else:
            found = backend.limits()
    session.answer(found, _sentence(found))


def _sentence(found: QueryLimits) -> Text:
    whose = "its own budget" if found.own else "the default"
    return Text(f"a question may cost {found.budget_ms / 1000:g} s by estimate ({whose})")
