"""What is one entry: a command, or an expression over as many lines as it takes."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator

import click

from dsl.parse import read

PROMPT = "tamis> "


def is_command(text: str) -> bool:
    return text.lstrip().startswith(".")


def is_unfinished(text: str) -> bool:
    """Whether the text may still become an expression: it ends too soon, and its last line is not blank."""
    if is_command(text) or not text.rpartition("\n")[2].strip():
        return False
    return any(problem.code == "unexpected-end" for problem in read(text).problems)


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


def lines() -> Iterator[str]:
    """The lines of standard input. Somebody at a terminal is shown that it is their turn, and Ctrl-C begins anew."""
    asking = sys.stdin.isatty()
    while True:
        try:
            if asking:
                click.echo(PROMPT, nl=False, err=True)
            line = sys.stdin.readline()
        except KeyboardInterrupt:
            if not asking:
                raise
            line = "\n"
        if not line:
            return
        yield line.rstrip("\n")
