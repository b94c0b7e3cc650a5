"""`tamis settings`: every setting, its value, and where that came from."""

from __future__ import annotations

from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.table import Table

from server.cli.command import Command
from server.cli.session import Session
from server.settings import SECRET, Setting, table

NAMES = tuple(setting.name for setting in table())


@click.command(cls=Command, settings=NAMES)
@click.pass_obj
def settings(session: Session) -> None:
    """Show the settings in force and where each came from.

    Flags come first, then the environment, then tamis.toml in the current folder (or --config FILE).
    """
    document = {setting.name: _row(session, setting) for setting in table()}
    rows = Table("setting", "value", "from", "environment", "default", "meaning", box=SIMPLE_HEAD, pad_edge=False)
    for name, row in document.items():
        default = "" if row["default"] is None else str(row["default"])
        value = "" if row["value"] is None else str(row["value"])
        rows.add_row(name, value, row["source"], row["environment"], default, row["meaning"])
    session.answer(document, rows)


def _row(session: Session, setting: Setting) -> dict[str, Any]:
    value = getattr(session.settings, setting.name)
    return {
        "value": "(hidden)" if value is not None and setting.name in SECRET else value,
        "source": session.resolved.sources[setting.name].value,
        "environment": setting.variable,
        "default": setting.default,
        "meaning": setting.meaning,
    }
