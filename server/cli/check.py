"""`tamis check`: everything wrong with an expression."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from dsl.problems import ExpressionError
from server.cli.backend import Question
from server.cli.command import Command, expression_argument, question_options
from server.cli.session import Session


@click.command(cls=Command)
@expression_argument
@question_options
@click.pass_obj
def check(session: Session, expression: str, params: tuple[tuple[str, Any], ...], at: str | None) -> None:
    """Check EXPRESSION against the schema and show every problem."""
    with session.backend() as backend:
        problems = backend.check(Question(expression, dict(params), at))
    if problems:
        raise ExpressionError(expression, problems)
    session.answer({"problems": []}, Text("ok", style="green"))
