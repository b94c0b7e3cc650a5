"""`tamis describe`: an expression as one sentence."""

from __future__ import annotations

import click
from rich.text import Text

from dsl.describe import LANGUAGES, Code
from dsl.describe import describe as described
from dsl.parse import parse
from dsl.schema_json import schema_from_json
from server.cli.command import Command, expression_argument
from server.cli.session import Session


@click.command(cls=Command)
@expression_argument
@click.option(
    "--lang",
    type=click.Choice([code.value for code in Code]),
    default=Code.ENGLISH.value,
    help="the language of the sentence",
)
@click.option("--labels", is_flag=True, help="call fields by the labels they have in the workspace")
@click.pass_obj
def describe(session: Session, expression: str, lang: str, labels: bool) -> None:
    """Say EXPRESSION in one sentence.

    Without --labels nobody is asked, whatever --data or --url say.
    """
    selection = parse(expression)
    schema = None
    if labels:
        with session.backend() as backend:
            schema = schema_from_json(backend.schema())
    sentence = described(selection, LANGUAGES[lang], schema=schema)
    session.answer({"sentence": sentence}, Text(sentence))
