"""`tamis repl`: the prompt on a terminal, and lines from a pipe."""

from __future__ import annotations

import importlib
import os
import sys

import click

from server.cli.command import Command
from server.cli.repl.commands import Repl
from server.cli.repl.entries import entries, lines
from server.cli.session import Session

TERMINAL = "server.cli.repl.terminal"
"""Loaded when somebody is at one: it takes longer than most commands."""


@click.command(cls=Command)
@click.option("--at", metavar="MOMENT", help="the evaluation clock, such as 2017-12-31; now by default")
@click.pass_obj
def repl(session: Session, at: str | None) -> None:
    """Ask one question after the other, with completion and a count that follows what is typed.

    An expression is counted; .help lists the commands that ask something else about the last one. Where standard input
    is no terminal, entries are read from it line by line; an unfinished expression goes on in the next line.
    """
    with session.backend() as backend:
        conversation = Repl(session, backend, at)
        if sys.stdin.isatty() and not _is_dumb():
            importlib.import_module(TERMINAL).converse(conversation)
        else:
            follow(conversation)


def _is_dumb() -> bool:
    """A terminal that cannot move its cursor gets plain lines."""
    return os.environ.get("TERM", "dumb") in ("dumb", "unknown")


def follow(conversation: Repl) -> None:
    """Enters what standard input says until it ends, or until it says so."""
    for text in entries(lines()):
        if not conversation.enter(text):
            return
