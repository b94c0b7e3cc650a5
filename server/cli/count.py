"""`tamis count`: how many contacts match."""

from __future__ import annotations

from typing import Any

import click
from rich.text import Text

from engine.results import Count
from server.cli.backend import Question
from server.cli.command import Command, expression_argument, question_options
from server.cli.session import Session


@click.command(cls=Command)
@expression_argument
@question_options
@click.pass_obj
def count(session: Session, expression: str, params: tuple[tuple[str, Any], ...], at: str | None) -> None:
    """Count the contacts that EXPRESSION selects."""
    with session.backend() as backend:
        answer = backend.count(Question(expression, dict(params), at))
    session.answer(answer, sentence(answer))


def sentence(answer: Count) -> Text:
    """`123 of 2,469 contacts (5.0%) in 0.21 ms`."""
    share = f" ({answer.count / answer.total:.1%})" if answer.total else ""
    split = "" if answer.identified is None else f", {answer.identified:,} identified, {answer.anonymous:,} anonymous"
    sentence = Text(f"{answer.count:,}", style="bold")
    return sentence.append(
        f" of {answer.total:,} contacts{share}{split} in {answer.elapsed_ms:.2f} ms", style="not bold"
    )
