"""`tamis queries`: what a server is being asked at this moment."""

from __future__ import annotations

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from server.cli.command import Command
from server.cli.session import Session


@click.group()
def queries() -> None:
    """List and stop the queries that a server runs."""


@queries.command("list", cls=Command)
@click.pass_obj
def list_(session: Session) -> None:
    """List the queries that run, the oldest first."""
    with session.backend() as backend:
        found = backend.running()
    rows = Table("id", "route", "for", "at most", "expression", box=SIMPLE_HEAD, pad_edge=False)
    for query in found:
        rows.add_row(query.id, query.route, _seconds(query.age_ms), _seconds(query.timeout_ms), query.expression or "")
    session.answer({"queries": found}, rows)


def _seconds(milliseconds: float | None) -> str:
    return "" if milliseconds is None else f"{milliseconds / 1000:.1f} s"


@queries.command(cls=Command)
@click.argument("id")
@click.pass_obj
def cancel(session: Session, id: str) -> None:
    """Stop the query ID: who asked it is told that it was cancelled."""
    with session.backend() as backend:
        stopped = backend.cancel(id)
    session.answer(stopped, Text(f"cancelled {stopped.id} after {stopped.age_ms / 1000:.1f} s"))
