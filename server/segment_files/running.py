"""Running the tests of a segment file: each in a workspace of its own, in a directory that is gone afterwards."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter
from typing import Any

from dsl.problems import DataError
from dsl.schema import Schema
from dsl.schema_json import schema_to_json
from engine.directory import DEFAULT, Tamis
from engine.errors import UnknownContact
from engine.why import Node
from engine.why.rendering import described
from engine.workspace import Workspace
from formats.batch import Kind
from formats.inferred import ReadOptions
from formats.inferring import infer
from formats.reading import read
from formats.rows import OnError
from server.segment_files.checking import in_order, instant, named
from server.segment_files.document import (
    ClockSet,
    Entry,
    Expectation,
    Overrides,
    ParametersSet,
    Rows,
    RowsFile,
    SegmentFile,
    Step,
    Test,
)
from server.segment_files.rows import bodies
from server.segment_files.text import FileProblems, Finding

IN_MEMORY = Path("/dev/shm")
"""Where there is one, files cost no disk."""


MOST_REASONS = 50
"""Contacts of one failed expectation whose reasons are looked for."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An expectation that was not met: members it names that are not there, and members it does not name.

    `reasons` tell, for the first `MOST_REASONS` of them, the conditions that decided.
    """

    expectation: Expectation
    missing: tuple[str, ...]
    extra: tuple[str, ...]
    reasons: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a test. `findings` are why it could not be run to its end."""

    test: Test
    expectations: int
    failures: tuple[Failure, ...]
    findings: tuple[Finding, ...]
    seconds: float

    @property
    def passed(self) -> bool:
        return not (self.failures or self.findings)


def run(file: SegmentFile, schema: Schema) -> Iterator[Result]:
    """Runs the tests of a checked file, one after the other."""
    entries = in_order(file.entries, schema)
    for test in file.tests:
        yield _result(test, entries, schema)


def _result(test: Test, entries: list[Entry], schema: Schema) -> Result:
    started = perf_counter()
    findings: tuple[Finding, ...] = ()
    in_memory = IN_MEMORY if os.access(IN_MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="tamis-test-", dir=in_memory) as folder:
        tamis = Tamis.open(Path(folder) / "data")
        try:
            running = _Running(tamis.workspace(DEFAULT))
            running.begin(entries, schema)
            for step in test.steps:
                running.step(step)
        except FileProblems as error:
            findings = error.findings
        finally:
            tamis.close()
    return Result(test, running.expectations, tuple(running.failures), findings, perf_counter() - started)


@dataclass(slots=True)
class _Running:
    """A test under way: its workspace, the clock and the parameters in force, and what failed so far."""

    workspace: Workspace
    clock: int | None = None
    given: Mapping[str, Any] = field(default_factory=dict)
    expectations: int = 0
    failures: list[Failure] = field(default_factory=list)

    def begin(self, entries: list[Entry], schema: Schema) -> None:
        self.workspace.patch_schema(schema_to_json(schema)).result()
        for entry in entries:
            self.workspace.put_segment(str(entry.key), entry.body).result()

    def step(self, step: Step) -> None:
        match step:
            case Expectation():
                self.compare(step)
            case Rows():
                self.write(step)
            case RowsFile():
                self.load(step)
            case ClockSet(moment=moment):
                self.clock = instant(moment, self.workspace.schema)
            case ParametersSet(values=values):
                self.given = {**self.given, **values}
            case Overrides():
                self.override(step)
            case _:
                raise TypeError(f"no such step: {type(step).__name__}")

    def compare(self, expectation: Expectation) -> None:
        self.expectations += 1
        expression = str(expectation.expression)
        found = self.members(expression, named(expression, self.given))
        expected = self.members("everyone", {}) if expectation.members is None else expectation.members
        missing = tuple(id for id in expected if id not in found)
        extra = tuple(id for id in found if id not in expected)
        if missing or extra:
            reasons = {id: self.reasons(expression, id) for id in (*missing, *extra)[:MOST_REASONS]}
            self.failures.append(Failure(expectation, missing, extra, reasons))

    def reasons(self, expression: str, id: str) -> tuple[str, ...]:
        """The conditions that decide whether a contact is a member, each with what was found."""
        try:
            why = self.workspace.why(id, expression, params=named(expression, self.given), at=self.clock)
        except UnknownContact as unknown:
            return (str(unknown),)
        return tuple(described(node)[0] for node in _deciding(why.root))

    def members(self, expression: str, params: Mapping[str, Any]) -> tuple[str, ...]:
        """Ids, in the order in which the contacts came."""
        _, batches = self.workspace.query(expression, params=params, at=self.clock).stream(["id"])
        return tuple(id for batch in batches for id in batch.column("id").to_pylist())

    def write(self, rows: Rows) -> None:
        found = bodies(rows, self.workspace.schema)
        match rows.kind:
            case Kind.CONTACTS:
                self.workspace.upsert_contacts(found).result()
            case Kind.COMPANIES:
                self.workspace.upsert_companies(found).result()
            case Kind.EVENTS:
                self.workspace.add_events(found).result()

    def load(self, rows: RowsFile) -> None:
        """Imports a file as `tamis import` would."""
        schema, kind = self.workspace.schema, rows.kind
        try:
            inferred = infer(rows.path, kind, schema, ReadOptions(event=rows.event))
            if inferred.problems:
                raise DataError(inferred.problems)
            patch = inferred.patch or None
            batches = read(rows.path, inferred, self.workspace.grown(patch or {}), on_error=OnError.STOP)
            if kind is Kind.EVENTS:
                self.workspace.bulk_events(batches, patch=patch)
            else:
                self.workspace.bulk_contacts(batches, companies=kind is Kind.COMPANIES, patch=patch)
        except DataError as error:
            raise FileProblems(rows.place.holds(problem) for problem in error.problems) from None

    def override(self, overrides: Overrides) -> None:
        groups = overrides.groups
        change = self.workspace.change_members
        try:
            change(str(overrides.key), list(groups.get("add", ())), list(groups.get("remove", ())), []).result()
        except DataError as error:
            raise FileProblems(overrides.place.holds(problem) for problem in error.problems) from None


def _deciding(node: Node) -> Iterator[Node]:
    """The leaves under `node` that decide."""
    if node.deciding and not node.items:
        yield node
    for item in node.items if node.deciding else ():
        yield from _deciding(item)
