"""`tamis why`: why one contact matches an expression, or does not."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Group, RenderableType
from rich.text import Text
from rich.tree import Tree

from dsl.describe import Code
from engine.why import Node, Why
from engine.why.rendering import described
from server.cli.backend import Question
from server.cli.command import Command, ExpressionText, question_options
from server.cli.session import Session


@click.command(cls=Command)
@click.argument("contact")
@click.argument("expression", type=ExpressionText(), required=False)
@click.option("--segment", metavar="KEY", help="ask about a saved segment in place of an EXPRESSION")
@question_options
@click.option(
    "--lang",
    type=click.Choice([code.value for code in Code]),
    default=Code.ENGLISH.value,
    help="the language of the sentences",
)
@click.option("--plain", is_flag=True, help="plain text, to be kept and compared")
@click.pass_obj
def why(
    session: Session,
    contact: str,
    expression: str | None,
    segment: str | None,
    params: tuple[tuple[str, Any], ...],
    at: str | None,
    lang: str,
    plain: bool,
) -> None:
    """Say why CONTACT matches EXPRESSION, or does not: what decides, and what would change it."""
    if (expression is None) == (segment is None):
        raise click.UsageError("give either an EXPRESSION or --segment KEY")
    if segment is not None and params:
        raise click.UsageError("a segment takes no --param")
    with session.backend() as backend:
        if segment is not None:
            answer = backend.why_member(segment, contact, Code(lang), at)
        else:
            answer = backend.why(Question(expression or "", dict(params), at), contact, Code(lang))
    if plain and not session.as_json:
        click.echo(answer.text)
    else:
        session.answer(answer, reason_tree(answer))


def reason_tree(answer: Why) -> RenderableType:
    """The verdict, the tree, and what would turn the whole."""
    return Group(Text(answer.verdict, style="bold"), _tree(answer.root), *map(Text, answer.conclusion))


def _tree(node: Node) -> Tree:
    """What decides stands out; what does not is dim."""
    style = ("green" if node.holds else "red") if node.deciding else "dim"
    title, *below = described(node)
    result = Tree(Text.assemble(("✔ " if node.holds else "✘ ", style), (title, style)))
    result.children = [Tree(Text(line, style="" if node.deciding else "dim")) for line in below]
    result.children += [_tree(item) for item in node.items]
    return result
