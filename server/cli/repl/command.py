"""`tamis repl`: the prompt on a terminal, and lines from a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator

import click
from prompt_toolkit.formatted_text import StyleAndTextTuples

from server.cli.backend import Backend
from server.cli.command import Command
from server.cli.repl.commands import BY_NAME, COMMANDS, Repl
from server.cli.repl.completing import ReplCompleter
from server.cli.repl.live import Live
from server.cli.repl.prompt import PROMPT, Prompt, history, history_path, is_unfinished
from server.cli.session import Session

WELCOME = "Enter an expression to count it; .help lists what else can be asked; Ctrl-D leaves."


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
            converse(conversation, backend)
        else:
            follow(conversation, entries(_lines()))


def _is_dumb() -> bool:
    """A terminal that cannot move its cursor gets plain lines."""
    return os.environ.get("TERM", "dumb") in ("dumb", "unknown")


def converse(conversation: Repl, backend: Backend) -> None:
    """Prompts until the user leaves."""
    conversation.session.remark(WELCOME)
    live = Live(conversation.judge, lambda: prompt.refresh())
    prompt = Prompt(live, words, ReplCompleter(conversation), history(history_path()))
    with live:
        while True:
            try:
                text = prompt.ask()
            except EOFError:
                return
            live.ask(None)
            if not conversation.enter(text):
                return


def words(text: str) -> StyleAndTextTuples:
    """The line under a prompt that holds no expression: how the command that is being typed is used."""
    name = text.strip().partition(" ")[0].lower()
    if name in BY_NAME:
        return [("class:live", f"{BY_NAME[name].usage}: {BY_NAME[name].meaning}")]
    fitting = [command.name for command in COMMANDS if name and command.name.startswith(name)]
    return [("class:live", " ".join(fitting) or ".help lists what can be asked; Ctrl-D leaves")]


def follow(conversation: Repl, texts: Iterable[str]) -> None:
    """Enters one text after the other."""
    for text in texts:
        if not conversation.enter(text):
            return


def _lines() -> Iterator[str]:
    """The lines of standard input; somebody at a terminal is shown that it is their turn."""
    while True:
        if sys.stdin.isatty():
            click.echo(PROMPT, nl=False, err=True)
        line = sys.stdin.readline()
        if not line:
            return
        yield line.rstrip("\n")


def entries(lines: Iterable[str]) -> Iterator[str]:
    """Lines joined while what they say is unfinished. A blank line ends what was begun."""
    begun: list[str] = []
    for line in lines:
        begun.append(line)
        text = "\n".join(begun)
        if not is_unfinished(text):
            yield text
            begun = []
    if begun:
        yield "\n".join(begun)
