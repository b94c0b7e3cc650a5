"""`tamis complete`: what may come at a cursor of an expression."""

from __future__ import annotations

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from dsl.complete import Completion, Item
from server.cli.command import Command, expression_argument
from server.cli.session import Session
from server.language import MOST_ITEMS


@click.command(cls=Command)
@expression_argument
@click.option("--cursor", type=click.IntRange(min=0), help="characters before the cursor; all of them by default")
@click.option("--limit", type=click.IntRange(1, MOST_ITEMS), default=20, help="how many to show  [20]")
@click.pass_obj
def complete(session: Session, expression: str, cursor: int | None, limit: int) -> None:
    """Show what may come at a cursor of EXPRESSION, which need not be finished or right, best first."""
    with session.backend() as backend:
        completion = backend.complete(expression, cursor, limit)
    session.answer(completion, _table(completion) if completion.items else Text("nothing comes here", style="dim"))


def _table(completion: Completion) -> Table:
    rows = Table("text", "kind", "what", box=SIMPLE_HEAD, pad_edge=False)
    rows.add_column("how many", justify="right")
    for item in completion.items:
        rows.add_row(Text(item.text), item.kind.value, Text(_said(item)), _count(item))
    return rows


def _said(item: Item) -> str:
    return ", ".join(part for part in (item.label, item.detail) if part)


def _count(item: Item) -> str:
    return "" if item.count is None else f"{item.count:,} {item.counted or ''}"
