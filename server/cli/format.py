"""`tamis format`: the canonical text of an expression."""

from __future__ import annotations

import click
from rich.text import Text

from dsl.format import format as canonical
from dsl.parse import parse
from server.cli.command import Command, expression_argument
from server.cli.session import Session


@click.command("format", cls=Command)
@expression_argument
@click.pass_obj
def format_(session: Session, expression: str) -> None:
    """Write EXPRESSION in its canonical form.

    The form depends on no data: nobody is asked, whatever --data or --url say.
    """
    text = canonical(parse(expression))
    session.answer({"expression": text}, Text(text))
