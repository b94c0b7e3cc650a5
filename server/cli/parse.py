"""`tamis parse`: an expression as a tree in JSON, and such a tree as an expression."""

from __future__ import annotations

import click

from dsl.format import format
from dsl.json_form import from_json, to_json
from dsl.parse import parse as parsed
from server.cli.command import Command, ExpressionText, json_object
from server.cli.session import Session, print_json


@click.command(cls=Command)
@click.argument("expression", type=ExpressionText())
@click.option("--from-json", "is_tree", is_flag=True, help="EXPRESSION is a tree: write it as text")
@click.pass_obj
def parse(session: Session, expression: str, is_tree: bool) -> None:
    """Show the tree of EXPRESSION in its JSON form.

    The tree depends on no data: nobody is asked, whatever --data or --url say.
    """
    selection = from_json(json_object(expression)) if is_tree else parsed(expression)
    text, tree = format(selection), to_json(selection)
    if session.as_json:
        print_json({"expression": text, "tree": tree})
    elif is_tree:
        click.echo(text)
    else:
        print_json(tree)
