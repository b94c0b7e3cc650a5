"""A small workspace, and everything that a text goes through there."""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path
from random import Random
from time import thread_time
from typing import Any
from zlib import crc32

import click
from pyroaring import BitMap

from dsl.describe import LANGUAGES, describe
from dsl.format import format
from dsl.interop import Form, read_rules, write_rules
from dsl.json_form import from_json, to_json
from dsl.moments import Clock
from dsl.parse import parse, read
from dsl.problems import CODES, ExpressionError, Problem, render
from dsl.tree import Selection
from engine.explanation import as_text
from engine.language import parameters
from tests.oracle.writes import PutSegment
from tests.properties.worlds import SCHEMA, Maker, Shape
from tests.subject import Subject

POPULATION = 24
PATIENCE = 2.0
"""Seconds of processor time for everything together: what takes more hangs."""
MOST_DESCRIBED = 4_000
BINDINGS: tuple[Any, ...] = ("FR", 3, -2.5, True, ["FR", "BE"], [1, 2], "2026-06-30", None)


class Hang(AssertionError):
    """A text took longer than anybody waits."""


class Finds:
    """What did not survive: the first text for each place where something broke."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def note(self, text: str, error: Exception) -> None:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"
        if what not in self.texts:
            self.texts[what] = text
            click.echo(f"FOUND {what}: {error}\n{json.dumps(text)}", err=True)

    def end(self) -> None:
        """Exits with 1 when there are any."""
        click.echo(f"{len(self.texts)} did not survive")
        if self.texts:
            sys.exit(1)


class Arena:
    """Texts are tried in it one by one. Whatever they are, `survive` returns."""

    def __init__(self, folder: Path) -> None:
        self.subject = Subject(folder / "data", {"timezone": "Europe/Paris", **SCHEMA})
        maker = Maker.draw(Random(7), self.subject.world.schema, Shape.MIXED, POPULATION)
        self.clock: Clock = maker.clock
        rules = PutSegment("rules", {"name": "By rules", "expression": "did open or points > 2"})
        child = PutSegment("child", {"name": "Child", "parent": "rules", "expression": "country is set"})
        hand = PutSegment("hand", {"name": "By hand", "expression": None})
        for write in (*maker.first_writes(), hand, rules, child):
            self.subject.write(write)
        self.subject.seal()

    def close(self) -> None:
        self.subject.close()

    def survive(self, text: str) -> bool:
        """Whether the text was sound. AssertionError, or whatever was raised, when it did not survive."""
        started = thread_time()
        self._complete(text)
        sound = self._read(text) and self._ask(text)
        took = thread_time() - started
        if took > PATIENCE:
            raise Hang(f"{took:.1f} s for {text[:200]!r}")
        return sound

    def _read(self, text: str) -> bool:
        """Form: problems that can be shown, or a tree that every other form gives back."""
        reading = read(text)
        if reading.selection is None or reading.problems:
            check_problems(text, reading.problems)
            return False
        check_forms(reading.selection)
        return True

    def _ask(self, text: str) -> bool:
        """Meaning: problems that can be shown, or an answer that does not depend on how it is asked."""
        workspace, at = self.subject.workspace, self.clock.now
        params = {name: BINDINGS[crc32(name.encode()) % len(BINDINGS)] for name in parameters(text)}
        try:
            query = workspace.query(text, params=params, at=at)
        except ExpressionError as error:
            check_problems(text, error.problems)
            return False
        members = query.members
        assert query.count().count == len(members)
        explanation = query.explain()
        assert explanation.count == len(members)
        assert as_text(explanation)
        self._doubt(text, params, members)
        self._exchange(text, members)
        return True

    def _complete(self, text: str) -> None:
        """Anywhere in the text, something may come, and says what it replaces."""
        cursor = drawn(text, len(text) + 1)
        try:
            completion = self.subject.workspace.complete(text, cursor)
        except ExpressionError as error:
            check_problems(text, error.problems)
            return
        assert 0 <= completion.start <= cursor <= completion.end <= len(text)
        assert all(item.text.strip() for item in completion.items)

    def _doubt(self, text: str, params: Mapping[str, Any], members: BitMap) -> None:
        """Why one contact is selected, or not, ends in what is so."""
        row, language = drawn(text, POPULATION), tuple(LANGUAGES)[drawn(text[::-1], len(LANGUAGES))]
        why = self.subject.workspace.why(f"c{row}", text, params=params, at=self.clock.now, language=language)
        assert why.holds == (row in members)
        assert why.text.strip()

    def _exchange(self, text: str, members: BitMap) -> None:
        """What another form can say, it says of the same contacts; what it cannot, it tells."""
        schema, selection = self.subject.workspace.schema, parse(text)
        for form in Form:
            try:
                written = write_rules(form, selection, schema, text=text)
            except ExpressionError as error:
                check_problems(text, error.problems)
                continue
            back = format(read_rules(form, written.document, schema).selection)
            again = self.subject.workspace.query(back, at=self.clock.now).members
            assert again == members, f"{form.value} brings back {back!r}"


def drawn(text: str, below: int) -> int:
    """A number that is always the same for a text."""
    return crc32(text.encode("utf-8", "replace")) % below


def check_problems(text: str, problems: tuple[Problem, ...]) -> None:
    assert problems, "refused without a problem"
    for problem in problems:
        assert problem.code in CODES, problem
        if problem.span is not None:
            assert 0 <= problem.span.start <= problem.span.end <= len(text), problem
        assert render(problem, text).strip()


def check_forms(selection: Selection) -> None:
    """Format is a fixed point that keeps the tree, the JSON form too, and the sentence has words."""
    formatted = format(selection)
    again = parse(formatted)
    assert again == selection, f"format says something else: {formatted!r}"
    assert format(again) == formatted, f"format is no fixed point: {formatted!r}"
    assert from_json(to_json(selection), "$") == selection, "the JSON form lost something"
    if len(formatted) <= MOST_DESCRIBED:
        for language in LANGUAGES.values():
            assert describe(selection, language).strip()
