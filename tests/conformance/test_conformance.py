"""Runs every conformance case: through the engine in every way of asking and layout, and through the oracle."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from pathlib import Path
from random import Random

import pytest

from dsl.format import format
from dsl.moments import Clock
from dsl.parse import parse
from dsl.problems import ExpressionError, Problem, render
from tests.conformance.script import Case, Scenario, read
from tests.oracle.calendar import to_milliseconds
from tests.oracle.evaluate import select
from tests.oracle.writes import Companies, Contacts, Events, Write
from tests.subject import Subject

SCENARIOS = [scenario for path in sorted(Path(__file__).parent.glob("*.test")) for scenario in read(path)]


class Layout(Enum):
    """Where the data lies when it is asked about."""

    TAIL = "tail"
    SEALED = "sealed"
    MIXED = "mixed"
    REOPENED = "reopened"
    BULK = "bulk"


@dataclass
class Run:
    """One scenario in one layout; `failures` says which cases went wrong and how."""

    scenario: Scenario
    layout: Layout
    subject: Subject

    def failures(self) -> Iterator[str]:
        after_write = False
        for step in self.scenario.steps:
            if not isinstance(step, Case):
                self.write(step)
                after_write = True
                continue
            if after_write:
                self.settle()
            after_write = False
            yield from (f"{step}: {step.expression}\n    {failure}" for failure in self.ask(step))

    def write(self, write: Write) -> None:
        if self.layout is Layout.MIXED:
            first, second = halves(write)
            self.subject.write(first)
            if second is not None:
                self.subject.seal()
                self.subject.write(second)
        else:
            self.subject.write(write, bulk=self.layout is Layout.BULK)

    def settle(self) -> None:
        """Bring the data into the layout before it is asked about."""
        if self.layout is Layout.SEALED:
            self.subject.seal()
        if self.layout is Layout.REOPENED:
            self.subject.reopen()

    def ask(self, case: Case) -> Iterator[str]:
        clock = Clock(to_milliseconds(datetime.fromisoformat(case.clock)), self.subject.workspace.schema.zone)
        try:
            selection = self.subject.understand(case.expression, case.params)
            expected = select(selection, self.subject.world, clock)
            differing = self.subject.ways_that_differ(selection, clock, Random(case.line), expected)
        except ExpressionError as error:
            yield from differing_text(case, error.problems)
            return
        yield from changed_by_format(case.expression)
        if case.members is None:
            yield f"no problem, but members: {shown(expected)}"
        elif expected != self.members(case):
            yield f"the oracle says {shown(expected)}"
        yield from (f"{way}: {shown(found)}" for way, found in differing.items())

    def members(self, case: Case) -> set[str]:
        match case.members:
            case ("everyone",):
                return set(self.subject.world.contacts)
            case ("nobody",):
                return set()
            case _:
                return set(case.members or ())


def differing_text(case: Case, problems: tuple[Problem, ...]) -> Iterator[str]:
    rendered = "\n".join(render(problem, case.expression) for problem in problems)
    if case.problem is None or case.problem.strip() != rendered.strip():
        yield f"the problem is\n{rendered}"


def changed_by_format(expression: str) -> Iterator[str]:
    formatted = format(parse(expression))
    if parse(formatted) != parse(expression) or format(parse(formatted)) != formatted:
        yield f"format changes it: {formatted}"


def shown(ids: set[str]) -> str:
    return " ".join(sorted(ids)) or "nobody"


def halves(write: Write) -> tuple[Write, Write | None]:
    match write:
        case Contacts(rows=rows) | Companies(rows=rows) | Events(rows=rows) if len(rows) > 1:
            middle = len(rows) // 2
            return type(write)(rows[:middle]), type(write)(rows[middle:])
        case _:
            return write, None


@pytest.mark.parametrize("layout", Layout)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_conformance(scenario: Scenario, layout: Layout, tmp_path: Path) -> None:
    subject = Subject(tmp_path, scenario.schema)
    try:
        failures = list(Run(scenario, layout, subject).failures())
    finally:
        subject.close()
    assert not failures, "\n" + "\n".join(failures)


def test_no_case_is_written_twice() -> None:
    for scenario in SCENARIOS:
        seen: dict[object, Case] = {}
        for step in scenario.steps:
            if not isinstance(step, Case):
                seen.clear()
                continue
            key = (step.expression, step.clock)
            assert key not in seen, f"{step} repeats {seen[key]}"
            seen[key] = step
