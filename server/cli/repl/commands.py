"""What is entered: an expression is counted; a command, which begins with a dot, asks something else about it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from dsl.describe import LANGUAGES, Code
from dsl.describe import describe as described
from dsl.format import format as formatted
from dsl.parse import parse
from dsl.problems import ExpressionError, did_you_mean
from dsl.schema_json import schema_from_json
from engine.language import parameters
from server.cli.backend import Backend, Question
from server.cli.command import json_or_text
from server.cli.count import sentence
from server.cli.exits import KNOWN, report
from server.cli.explain import for_people
from server.cli.export import destination
from server.cli.query import contact_table
from server.cli.repl.live import Verdict
from server.cli.schema import schema_table
from server.cli.segments import counted, segment_table
from server.cli.session import Session, tell
from server.cli.why import reason_tree
from server.cli.writers import form_of, write

MOST_SHOWN = 10_000


class BadCommand(Exception):
    """A command that is none, or lacks what it needs."""


class Left(Exception):
    """The user leaves."""


class Repl:
    """One conversation with a workspace: the last expression, and what questions have besides.

    `question` may be called from another thread while nothing is entered.
    """

    def __init__(self, session: Session, backend: Backend, at: str | None = None) -> None:
        self.session = session
        self.backend = backend
        self.last: str | None = None
        self.fields: list[str] | None = None
        self.limit = 10
        self.at = at
        self.params: dict[str, Any] = {}

    def enter(self, text: str) -> bool:
        """Does what was entered, and shows the answer or what is wrong; False when the user leaves."""
        try:
            self._do(text.strip())
        except Left:
            return False
        except BadCommand as error:
            self.session.err.print(str(error), style="red", highlight=False, markup=False)
        except KNOWN as error:
            tell(error, as_json=self.session.as_json)
        except KeyboardInterrupt:
            self.session.remark("interrupted")
        return True

    def _do(self, text: str) -> None:
        before = self.last
        try:
            self._dispatch(text)
        except BaseException:  # what was refused is not what the next command is about
            self.last = before
            raise

    def _dispatch(self, text: str) -> None:
        if text.startswith("."):
            name, _, rest = text.partition(" ")
            command_named(name).run(self, rest.strip())
        elif text:
            self.count(text)

    def question(self, text: str) -> Question:
        """The question of a text: each takes those of the parameters that it names."""
        return Question(text, {name: self.params[name] for name in parameters(text) & self.params.keys()}, self.at)

    def asked(self, text: str) -> Question:
        """The question of an expression given after a command, or of the last one."""
        chosen = text or self.last
        if chosen is None:
            raise BadCommand("there is no expression yet: enter one, or write it after the command")
        self.last = chosen
        return self.question(chosen)

    def judge(self, text: str) -> Verdict:
        """The live count of a text that may be anything."""
        try:
            return Verdict(text, self.backend.count(self.question(text)))
        except ExpressionError as error:
            return Verdict(text, problems=error.problems)
        except KNOWN as error:
            return Verdict(text, trouble=report(error).detail)

    def count(self, text: str) -> None:
        """Counts an expression."""
        self.last = text
        answer = self.backend.count(self.question(text))
        self.session.answer(answer, sentence(answer))


@dataclass(frozen=True, slots=True)
class DotCommand:
    """A command: its name, what follows it, and what it does. An expression may come after so many `words`."""

    name: str
    takes: str
    meaning: str
    run: Callable[[Repl, str], None]
    words: int | None = None

    @property
    def usage(self) -> str:
        return f"{self.name} {self.takes}".rstrip()


def _help(repl: Repl, rest: str) -> None:
    rows = Table("command", "", box=SIMPLE_HEAD, pad_edge=False)
    for command in COMMANDS:
        rows.add_row(Text(command.usage), command.meaning)
    keys = "Enter counts an expression once it is complete; Alt-Enter begins a line; Tab completes; Ctrl-R searches."
    repl.session.answer({"commands": {c.usage: c.meaning for c in COMMANDS}}, rows)
    repl.session.remark(keys)


def _show(repl: Repl, rest: str) -> None:
    question = repl.asked(rest)
    page = repl.backend.page(question, fields=repl.fields, limit=repl.limit, cursor=None, sort=None)
    repl.session.answer(page, contact_table(page.contacts, repl.fields))
    repl.session.remark(f"{len(page.contacts):,} of {page.count:,} contacts")


def _explain(repl: Repl, rest: str) -> None:
    explanation = repl.backend.explain(repl.asked(rest))
    repl.session.answer(explanation, for_people(explanation))


def _why(repl: Repl, rest: str) -> None:
    contact, text = _first(rest, "the id of a contact")
    answer = repl.backend.why(repl.asked(text), contact, Code.ENGLISH)
    repl.session.answer(answer, reason_tree(answer))


def _describe(repl: Repl, rest: str) -> None:
    word, _, after = rest.partition(" ")
    code, text = (Code(word), after.strip()) if word in set(Code) else (Code.ENGLISH, rest)
    schema = schema_from_json(repl.backend.schema())
    said = described(parse(repl.asked(text).expression), LANGUAGES[code], schema=schema)
    repl.session.answer({"sentence": said}, Text(said))


def _format(repl: Repl, rest: str) -> None:
    text = formatted(parse(repl.asked(rest).expression))
    repl.session.answer({"expression": text}, Text(text))


def _schema(repl: Repl, rest: str) -> None:
    document = repl.backend.schema()
    repl.session.answer(document, schema_table(document))


def _segments(repl: Repl, rest: str) -> None:
    views = repl.backend.segments()
    repl.session.answer({"segments": views}, segment_table(views))


def _save(repl: Repl, rest: str) -> None:
    key, text = _first(rest, "a key")
    question = repl.asked(text)
    before = next((view for view in repl.backend.segments() if view.key == key), None)
    kept = {} if before is None else {"description": before.description, "parent": before.parent}
    body = {"name": before.name if before else key, **kept, "expression": question.expression}
    view = repl.backend.put_segment(key, body, if_match=before.etag if before else None)
    repl.session.answer(view, Text(f"saved as segment {view.key}: {counted(view)} contacts"))


def _export(repl: Repl, rest: str) -> None:
    name, text = _first(rest, "a file")
    output = Path(name).expanduser()
    form = form_of(output)
    with repl.backend.stream(repl.asked(text), repl.fields) as rows, destination(output) as sink:
        written = write(rows, form, sink)
    document = {"contacts": written, "file": str(output), "form": form.value}
    repl.session.answer(document, Text(f"{written:,} contacts written to {output} as {form.value}"))


def _fields(repl: Repl, rest: str) -> None:
    repl.fields = [name.strip() for name in rest.split(",") if name.strip()] or None
    repl.session.remark(f"fields: {', '.join(repl.fields) if repl.fields else 'all'}")


def _limit(repl: Repl, rest: str) -> None:
    if not (rest.isdecimal() and 1 <= int(rest) <= MOST_SHOWN):
        raise BadCommand(f"a limit is a number from 1 to {MOST_SHOWN:,}, as in: .limit 20")
    repl.limit = int(rest)
    repl.session.remark(f"limit: {repl.limit:,}")


def _at(repl: Repl, rest: str) -> None:
    repl.at = rest or None
    repl.session.remark(f"the clock: {repl.at or 'now'}")


def _param(repl: Repl, rest: str) -> None:
    name, equals, value = rest.removeprefix("$").partition("=")
    if equals:
        repl.params[name.strip()] = json_or_text(value.strip())
    elif name:
        repl.params.pop(name.strip(), None)
    repl.session.remark(", ".join(f"${name} = {value!r}" for name, value in repl.params.items()) or "no parameters")


def _quit(repl: Repl, rest: str) -> None:
    raise Left


COMMANDS = (
    DotCommand(".help", "", "this list", _help),
    DotCommand(".show", "[EXPRESSION]", "the first members as a table", _show, 0),
    DotCommand(".explain", "[EXPRESSION]", "how the answer comes about, step by step", _explain, 0),
    DotCommand(".why", "CONTACT [EXPRESSION]", "why a contact matches, or does not", _why, 1),
    DotCommand(".describe", "[en|fr] [EXPRESSION]", "the expression in one sentence", _describe, 0),
    DotCommand(".format", "[EXPRESSION]", "the expression in its canonical form", _format, 0),
    DotCommand(".schema", "", "the fields of contacts, companies and events", _schema),
    DotCommand(".segments", "", "the saved segments and their counts", _segments),
    DotCommand(".save", "KEY [EXPRESSION]", "save the expression as a segment", _save, 1),
    DotCommand(
        ".export", "FILE [EXPRESSION]", "write every member: CSV, NDJSON, Arrow or Parquet by suffix", _export, 1
    ),
    DotCommand(".fields", "[NAME, NAME…]", "the fields that .show and .export give; all without names", _fields),
    DotCommand(".limit", "NUMBER", "how many members .show gives", _limit),
    DotCommand(".at", "[MOMENT]", "the evaluation clock; now without a moment", _at),
    DotCommand(".param", "[NAME=VALUE]", "give $NAME a value, or forget it; show all", _param),
    DotCommand(".quit", "", "leave; so does Ctrl-D", _quit),
)
"""The one table: `.help`, completion and the line under the prompt read it."""

BY_NAME: Mapping[str, DotCommand] = {command.name: command for command in COMMANDS}


def command_named(name: str) -> DotCommand:
    """BadCommand, with the closest ones, where there is none."""
    found = BY_NAME.get(name.lower())
    if found is None:
        raise BadCommand(f"there is no command {name}; {did_you_mean(name, BY_NAME) or '.help lists them'}")
    return found


_WORD = re.compile(r"""("[^"]+"|'[^']+'|\S+)\s*(.*)""", re.DOTALL)


def _first(rest: str, what: str) -> tuple[str, str]:
    """The first word, in quotes if it has spaces, and what follows it."""
    found = _WORD.fullmatch(rest)
    if found is None:
        raise BadCommand(f"{what} is needed after the command")
    return found[1].strip("\"'"), found[2]
