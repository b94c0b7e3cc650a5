"""`tamis segments`: saved segments and their members."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from engine.results import SegmentView
from server.cli.command import Command, ExpressionText, Names
from server.cli.query import show_page
from server.cli.segment_set import apply, dump
from server.cli.session import Session


@click.group()
def segments() -> None:
    """List, define and delete saved segments; see and change their members."""


@segments.command("list", cls=Command)
@click.pass_obj
def list_(session: Session) -> None:
    """List the segments with their live counts."""
    with session.backend() as backend:
        views = backend.segments()
    session.answer({"segments": views}, segment_table(views))


def segment_table(views: Sequence[SegmentView]) -> Table:
    """One row a segment."""
    rows = Table("key", "name", "contacts", "parent", "expression", box=SIMPLE_HEAD, pad_edge=False)
    for view in views:
        rows.add_row(view.key, view.name, counted(view), view.parent or "", Text(view.expression or "(static)"))
    return rows


@segments.command(cls=Command)
@click.pass_obj
def tree(session: Session) -> None:
    """Show the segments under their parents."""
    with session.backend() as backend:
        views = backend.segments()
    session.answer({"segments": views}, segment_tree(views))


def segment_tree(views: Sequence[SegmentView]) -> Tree:
    """Each segment under its parent."""
    children: dict[str | None, list[SegmentView]] = defaultdict(list)
    for view in views:
        children[view.parent].append(view)
    root = Tree("segments")
    pending: list[tuple[Tree, str | None]] = [(root, None)]
    while pending:
        branch, parent = pending.pop()
        pending += [(branch.add(_leaf(view)), view.key) for view in children[parent]]
    return root


def _leaf(view: SegmentView) -> Text:
    name = "" if view.name == view.key else f"  {view.name}"
    return Text(view.key, style="bold").append(f"{name}  {counted(view)}", style="not bold")


def counted(view: SegmentView) -> str:
    """How many members, or that they were not counted."""
    return "not counted" if view.count is None else f"{view.count:,}"


@segments.command(cls=Command)
@click.argument("key")
@click.pass_obj
def show(session: Session, key: str) -> None:
    """Show the segment KEY."""
    with session.backend() as backend:
        view = backend.segment(key)
    _show(session, view)


@segments.command(cls=Command)
@click.argument("key")
@click.argument("expression", type=ExpressionText(), required=False)
@click.option("--name", help="the name people see; the key by default")
@click.option("--description", help="what it is for")
@click.option("--parent", metavar="KEY", help="the segment it narrows")
@click.option("--static", is_flag=True, help="no expression: its members are added by hand")
@click.option("--if-match", metavar="ETAG", help="only if it is still as it was when last seen")
@click.pass_obj
def put(
    session: Session,
    key: str,
    expression: str | None,
    name: str | None,
    description: str | None,
    parent: str | None,
    static: bool,
    if_match: str | None,
) -> None:
    """Define the segment KEY by EXPRESSION, or as a --static one."""
    if static == (expression is not None):
        raise click.UsageError("give an EXPRESSION, or --static")
    body = {"name": name or key, "description": description, "parent": parent, "expression": expression}
    with session.backend(create=True) as backend:
        view = backend.put_segment(key, body, if_match=if_match)
    _show(session, view)


@segments.command(cls=Command)
@click.argument("key")
@click.pass_obj
def delete(session: Session, key: str) -> None:
    """Delete the segment KEY; its contacts stay."""
    with session.backend() as backend:
        written = backend.drop_segment(key)
    session.answer(written, Text(f"deleted {key}"))


@segments.command(cls=Command)
@click.argument("key")
@click.option("--add", multiple=True, metavar="ID", help="a contact that is in, whatever the rules say")
@click.option("--remove", multiple=True, metavar="ID", help="a contact that is out, whatever the rules say")
@click.option("--reset", multiple=True, metavar="ID", help="a contact for which the rules decide again")
@click.option("--fields", type=Names(), help="the fields to show, separated by commas")
@click.option("--limit", type=click.IntRange(1, 10_000), default=20, show_default=True, help="contacts on a page")
@click.option("--cursor", help="go on after the page that ended with this cursor")
@click.pass_obj
def members(
    session: Session,
    key: str,
    add: tuple[str, ...],
    remove: tuple[str, ...],
    reset: tuple[str, ...],
    fields: list[str] | None,
    limit: int,
    cursor: str | None,
) -> None:
    """Show the members of KEY, after adding, removing or resetting some."""
    with session.backend() as backend:
        if add or remove or reset:
            backend.change_members(key, add, remove, reset)
        page = backend.members(key, fields=fields, limit=limit, cursor=cursor)
    show_page(session, page, fields)


def _show(session: Session, view: SegmentView) -> None:
    rows = Table(show_header=False, box=None, pad_edge=False)
    rows.add_row("key", view.key)
    rows.add_row("name", view.name)
    rows.add_row("description", view.description or "")
    rows.add_row("parent", view.parent or "")
    rows.add_row("expression", Text(view.expression or "(static)"))
    rows.add_row("contacts", counted(view))
    rows.add_row("updated", view.updated)
    rows.add_row("etag", view.etag)
    session.answer(view, rows)


segments.add_command(apply)
segments.add_command(dump)
