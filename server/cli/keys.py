"""`tamis keys`: who may ask the server what."""

from __future__ import annotations

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from server.auth import Scope
from server.cli.command import Command
from server.cli.session import Session

SCOPES = [scope.value for scope in Scope]


@click.group()
def keys() -> None:
    """Make, list and revoke API keys."""


@keys.command(cls=Command)
@click.argument("name")
@click.option("--scope", "scopes", type=click.Choice(SCOPES), multiple=True, default=("read",), show_default=True)
@click.option("--everywhere", is_flag=True, help="for every workspace, not --workspace alone; on a data directory")
@click.pass_obj
def create(session: Session, name: str, scopes: tuple[str, ...], everywhere: bool) -> None:
    """Make a key called NAME. It is shown this once: only its hash is kept."""
    with session.keyring() as keyring:
        made = keyring.create(name, [Scope(scope) for scope in scopes], everywhere=everywhere)
    session.answer(made, Text(made.key))
    session.remark(
        f"key {made.id}, may {', '.join(made.scopes)} in {', '.join(made.workspaces)}; keep it: it is not shown again"
    )


@keys.command("list", cls=Command)
@click.pass_obj
def list_(session: Session) -> None:
    """List the keys, without their secrets."""
    with session.keyring() as keyring:
        views = keyring.list()
    rows = Table("id", "name", "workspaces", "may", "created", box=SIMPLE_HEAD, pad_edge=False)
    for view in views:
        rows.add_row(view.id, view.name, ", ".join(view.workspaces), ", ".join(view.scopes), view.created)
    session.answer({"keys": views}, rows)


@keys.command(cls=Command)
@click.argument("id")
@click.pass_obj
def revoke(session: Session, id: str) -> None:
    """Revoke the key with this ID."""
    with session.keyring() as keyring:
        keyring.revoke(id)
    session.answer({"revoked": id}, Text(f"revoked {id}"))
