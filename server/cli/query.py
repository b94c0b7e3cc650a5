"""`tamis query`: some of the contacts that match, as a table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from engine.results import Page
from server.cli.backend import Question
from server.cli.command import Command, Names, expression_argument, question_options
from server.cli.session import Session


@click.command(cls=Command)
@expression_argument
@question_options
@click.option("--fields", type=Names(), help="the fields to show, separated by commas; all by default")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="contacts on a page")
@click.option("--sort", metavar="FIELD", help="order by a field; -FIELD is descending")
@click.option("--cursor", help="go on after the page that ended with this cursor")
@click.pass_obj
def query(
    session: Session,
    expression: str,
    params: tuple[tuple[str, Any], ...],
    at: str | None,
    fields: list[str] | None,
    limit: int,
    sort: str | None,
    cursor: str | None,
) -> None:
    """Show contacts that EXPRESSION selects."""
    question = Question(expression, dict(params), at)
    with session.backend() as backend:
        page = backend.page(question, fields=fields, limit=limit, cursor=cursor, sort=sort)
    show_page(session, page, fields)


def show_page(session: Session, page: Page, fields: Sequence[str] | None) -> None:
    session.answer(page, contact_table(page.contacts, fields))
    session.remark(f"{len(page.contacts):,} of {page.count:,} contacts")
    if page.next is not None:
        session.remark(f"the next page: --cursor {page.next}")


def contact_table(contacts: Sequence[Mapping[str, Any]], fields: Sequence[str] | None) -> Table:
    """One row a contact; the columns are the fields asked for, else all that any of them has."""
    columns = list(fields or dict.fromkeys(name for contact in contacts for name in contact))
    result = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for contact in contacts:
        result.add_row(*(cell(contact.get(name)) for name in columns))
    return result


def cell(value: Any) -> str:
    """A value as a table shows it: nothing where it is missing, tags between commas."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case Iterable():
            return ", ".join(map(str, value))
        case _:
            return str(value)
