"""`tamis explain`: how the answer to an expression comes about."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from engine.explanation import Explanation, as_text, figures, remembered, without_times
from engine.plan import ExplainNode
from server.cli.backend import Question
from server.cli.command import Command, expression_argument, question_options
from server.cli.session import Session


@click.command(cls=Command)
@expression_argument
@question_options
@click.option("--no-times", is_flag=True, help="leave out the times: what is left is the same in every run")
@click.option("--plain", is_flag=True, help="plain text with the logical plans, to be kept and compared")
@click.pass_obj
def explain(
    session: Session, expression: str, params: tuple[tuple[str, Any], ...], at: str | None, no_times: bool, plain: bool
) -> None:
    """Show how EXPRESSION is planned, and what every step of it finds."""
    with session.backend() as backend:
        answer = backend.explain(Question(expression, dict(params), at))
    shown = without_times(answer) if no_times else answer
    if plain and not session.as_json:
        click.echo(as_text(shown))
    else:
        session.answer(shown, for_people(shown))


def for_people(explanation: Explanation) -> RenderableType:
    rules = " → ".join(explanation.rules) or "none"
    return Group(
        Text(explanation.expression, style="bold"),
        Text(f"rules fired: {rules}", style="dim"),
        _tree(explanation.physical),
        Text(f"{explanation.count:,} contacts"),
        *_memory(explanation),
    )


def _memory(explanation: Explanation) -> list[RenderableType]:
    served = explanation.served
    return [] if served is None else [Text(f"from memory: {remembered(served)}", style="dim")]


def _tree(node: ExplainNode) -> Tree:
    result = Tree(Text.assemble((node.label, "cyan"), "  ", (", ".join(figures(node)), _style(node))))
    result.children = [_tree(item) for item in node.inputs]
    return result


def _style(node: ExplainNode) -> str:
    """A negation that swept somebody in stands out."""
    return "yellow" if node.swept else "dim"
