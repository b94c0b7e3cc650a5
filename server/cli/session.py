"""What a command holds while it runs: its settings, its two consoles, and the way to its backend."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from dsl.problems import ExpressionError, render
from server.cli.backend import Backend
from server.cli.exits import Report, report
from server.cli.keyring import Keyring, LocalKeyring, RemoteKeyring
from server.cli.local import Local, opened
from server.cli.remote import Remote
from server.client import Client
from server.errors import ProblemView
from server.segment_files.text import FileProblems
from server.settings import Resolved, Settings, Source

LATE = 2.0
"""Seconds that a server is given beyond the timeout, to say itself that it was exceeded."""

PIPE_WIDTH = 200
"""Characters a line may have where no terminal says how many."""


class Session:
    """Answers go to standard output; progress, remarks and errors to standard error."""

    def __init__(self, resolved: Resolved, *, as_json: bool, quiet: bool) -> None:
        self.resolved = resolved
        self.as_json = as_json
        self.out = _console(stderr=False)
        self.err = _console(stderr=True)
        self.quiet = quiet

    @property
    def settings(self) -> Settings:
        return self.resolved.settings

    @property
    def server(self) -> str | None:
        """The address of the server to ask; None when the data directory was chosen more strongly."""
        strength = list(Source)
        sources = self.resolved.sources
        if strength.index(sources["url"]) > strength.index(sources["data"]):
            return None
        return self.settings.url

    @contextmanager
    def keyring(self) -> Iterator[Keyring]:
        """The keys to manage; a data directory is made where there is none, so that a first key can be."""
        if self.server is not None:
            yield RemoteKeyring(self._client(self.server), self.settings.workspace)
            return
        with opened(self.settings.data, create=True) as directory:
            yield LocalKeyring(directory.catalog, self.settings.workspace)

    def _client(self, url: str) -> Client:
        return Client(url, self.settings.key, self.settings.timeout + LATE)

    @property
    def timeout_ms(self) -> int | None:
        """How long an answer is wanted, where that was said: a server has a timeout of its own otherwise."""
        chosen = self.resolved.sources["timeout"] is not Source.DEFAULT
        return max(1, round(self.settings.timeout * 1000)) if chosen else None

    @contextmanager
    def backend(self, *, create: bool = False) -> Iterator[Backend]:
        """The workspace to ask. `create` makes the data directory and the workspace when they are not there."""
        if self.server is not None:
            yield Remote(self._client(self.server), self.settings.workspace, self.timeout_ms, create=create)
            return
        budget_ms = self.settings.query_budget * 1000
        with opened(self.settings.data, create=create, budget_ms=budget_ms) as directory:
            workspace = self.settings.workspace
            yield Local(directory.create(workspace) if create else directory.workspace(workspace), self.timeout_ms)

    def answer(self, document: Any, people: RenderableType) -> None:
        """Shows an answer in the form that was asked for."""
        if self.as_json:
            print_json(document)
        else:
            self.out.print(people, soft_wrap=isinstance(people, Text))  # a line of text stays one for a pipe

    def remark(self, text: str) -> None:
        """A sentence for people, beside the answer."""
        if not (self.quiet or self.as_json):
            self.err.print(text, style="dim", highlight=False, markup=False)

    def asks(self) -> bool:
        """Whether somebody is there to answer a question."""
        return not (self.quiet or self.as_json) and sys.stdin.isatty() and self.err.is_terminal

    def progress(self) -> Progress:
        """A progress bar on standard error, shown on a terminal alone."""
        return Progress(
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self.err,
            transient=False,
            disable=self.quiet or self.as_json or not self.err.is_terminal,
        )


@contextmanager
def reading(bar: Progress, words: str, total: int) -> Iterator[Callable[[int], None]]:
    """Advances a bar as rows are read; once all are, it pulses until what was read is written."""
    task = bar.add_task(words, total=total)
    read = 0

    def advance(more: int) -> None:
        nonlocal read
        read += more
        if read < total:
            bar.update(task, completed=read)
        else:
            bar.update(task, description=f"{words}, indexing", completed=read, total=None)

    yield advance
    bar.update(task, description=words, completed=total, total=total)


def tell(error: Exception, *, as_json: bool) -> int:
    """Shows a foreseen error, as JSON on standard output where that was asked for; its exit code."""
    found = report(error)
    if as_json:
        print_json(found)
    else:
        _console(stderr=True).print(_words(error, found), highlight=False, soft_wrap=True)
    return int(found.exit)


def print_json(document: Any) -> None:
    """One JSON document on standard output, indented for the people who read it all the same."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
    sys.stdout.flush()


def _console(*, stderr: bool) -> Console:
    stream = sys.stderr if stderr else sys.stdout
    return Console(stderr=stderr, width=None if stream.isatty() else PIPE_WIDTH)


def _words(error: Exception, found: Report) -> Text:
    """An error for people: an expression's problems under their text, any others one a line."""
    said = Text("error: ", style="bold red")
    match error:
        case ExpressionError():
            shown = "\n".join(render(problem, error.text) for problem in error.problems)
            return Text(shown)
        case FileProblems():
            return Text("\n".join(finding.rendered() for finding in error.findings))
        case _ if found.problems:
            said.append("\n".join(_line(problem) for problem in found.problems), style="not bold default")
        case _:
            said.append(found.detail, style="not bold default")
    return said.append(f"\n{found.hint}" if found.hint else "", style="not bold dim")


def _line(problem: ProblemView) -> str:
    place = f"{problem.path}  " if problem.path and problem.path not in problem.message else ""
    return f"{place}{problem.message}{f'; {problem.hint}' if problem.hint else ''}"
