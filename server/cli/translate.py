"""`tamis translate`: expressions to and from the rules of other programs."""

from __future__ import annotations

from typing import Any

import click
import msgspec
from rich.text import Text

from dsl.format import format
from dsl.interop import Form, read_rules, write_rules
from dsl.json_form import to_json
from dsl.parse import parse
from dsl.problems import Problem, render
from dsl.schema_json import schema_from_json
from server.cli.command import Command, ExpressionText
from server.cli.session import Session, print_json
from server.errors import shown

FORM = click.Choice([form.value for form in Form])


@click.command(cls=Command)
@click.argument("rules", type=ExpressionText(), metavar="EXPRESSION|DOCUMENT")
@click.option("--to", "to", type=FORM, help="write EXPRESSION in this form")
@click.option("--from", "from_", type=FORM, help="read DOCUMENT, which is JSON in this form")
@click.pass_obj
def translate(session: Session, rules: str, to: str | None, from_: str | None) -> None:
    """Translate an expression into the rules of another program, or back.

    Both are read by the types of the workspace's fields. What one side cannot say is shown, and then nothing is
    written; differences to know of are shown beside the answer.
    """
    if (to is None) == (from_ is None):
        raise click.UsageError("one of --to and --from is needed, and not both")
    with session.backend() as backend:
        schema = schema_from_json(backend.schema())
    if to is not None:
        written = write_rules(Form(to), parse(rules), schema, text=rules)
        _remark(session, written.notes, rules)
        notes = [shown(note, rules) for note in written.notes]
        print_json({"document": written.document, "notes": notes} if session.as_json else written.document)
        return
    found = read_rules(Form(str(from_)), _json(rules), schema)
    _remark(session, found.notes, "")
    text, notes = format(found.selection), [shown(note) for note in found.notes]
    session.answer({"expression": text, "tree": to_json(found.selection), "notes": notes}, Text(text))


def _json(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise click.BadParameter(f"not a JSON document: {error}", param_hint="DOCUMENT") from None


def _remark(session: Session, notes: tuple[Problem, ...], text: str) -> None:
    for note in notes:
        session.remark(f"note: {render(note, text)}")
