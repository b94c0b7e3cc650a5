"""`tamis schema`: what a workspace knows about its data."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from server.cli.command import Command, JsonObject
from server.cli.session import Session


@click.group()
def schema() -> None:
    """Show the schema, or add to it."""


@schema.command(cls=Command)
@click.pass_obj
def show(session: Session) -> None:
    """Show the fields of contacts, companies and events."""
    with session.backend() as backend:
        document = backend.schema()
    session.answer(document, schema_table(document))


@schema.command(cls=Command)
@click.argument("changes", type=JsonObject(), metavar="JSON")
@click.pass_obj
def patch(session: Session, changes: dict[str, Any]) -> None:
    """Add the fields, event types and labels that JSON names (@FILE and - are read).

    \b
    tamis schema patch '{"contacts": {"points": {"type": "number", "decimals": 0}}}'
    """
    with session.backend(create=True) as backend:
        written = backend.patch_schema(changes)
        document = backend.schema()
    session.answer(document, schema_table(document))
    session.remark(f"written as change {written.seq}")


def schema_table(document: Mapping[str, Any]) -> Group:
    heading = Text(f"time zone {document.get('timezone', 'UTC')}")
    if document.get("identified_by"):
        heading.append(f", identified by {', '.join(document['identified_by'])}")
    rows = Table("of", "field", "type", "label", box=SIMPLE_HEAD, pad_edge=False)
    for owner, name, field in _fields(document):
        rows.add_row(owner, name, describe(field), field.get("label") or "")
    return Group(heading, rows)


def _fields(document: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """(owner, name, field) of every declared field."""
    events = {f"{event} event": fields for event, fields in document.get("events", {}).items()}
    owners = {"contacts": document.get("contacts", {}), "companies": document.get("companies", {}), **events}
    for owner, fields in owners.items():
        for name, field in fields.items():
            yield owner, name, field


def describe(field: Mapping[str, Any]) -> str:
    """`number, 2 decimals`, `choice of FR, BE`."""
    match field["type"]:
        case "number":
            return f"number, {field.get('decimals', 2)} decimals"
        case "choice":
            return f"choice of {', '.join(field.get('options', ()))}"
        case other:
            return str(other)
