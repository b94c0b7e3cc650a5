"""Checking a segment file against a schema: names, parents, expressions, cycles, and the rows of its tests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from graphlib import TopologicalSorter
from types import MappingProxyType
from typing import Any

from dsl.problems import DataError, ExpressionError, Problem, did_you_mean
from dsl.schema import Schema
from engine.language import parameters, understand
from engine.results import SegmentView
from engine.segments import Segment, SegmentBook
from engine.values import BadValue, datetime_value
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
from server.segment_files.text import FileProblems, Finding, Slice


def check(file: SegmentFile, schema: Schema, known: Sequence[SegmentView] = ()) -> tuple[Finding, ...]:
    """Everything wrong with a file. Its segments may name one another, and those `known` besides.

    The tests may name those of the file alone: each runs in a workspace of its own.
    """
    names = {str(entry.key): entry.title for entry in file.entries}
    in_tests = (finding for test in file.tests for finding in _test(test, schema, names))
    return _in_order_of_place([*check_segments(file, schema, known), *in_tests])


def check_segments(file: SegmentFile, schema: Schema, known: Sequence[SegmentView] = ()) -> tuple[Finding, ...]:
    """What is wrong with the form of a file and with its segments, its tests left out."""
    return _in_order_of_place([*file.findings, *_segments(file.entries, schema, known)])


def _in_order_of_place(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(sorted(dict.fromkeys(findings), key=_place_in_files))


def _place_in_files(finding: Finding) -> tuple[str, int]:
    span = finding.problem.span
    return str(finding.source.path), -1 if span is None else span.start


# --- segments ------------------------------------------------------------------------------------------------


def _segments(entries: Sequence[Entry], schema: Schema, known: Sequence[SegmentView]) -> Iterator[Finding]:
    yield from _repeated(entries)
    book = _with_known(_outlines(entries, known), known, schema)
    for entry in entries:
        findings = list(dict.fromkeys(_wrong(book, entry, schema)))
        yield from findings
        if not findings:
            book = book.put(book.definition(str(entry.key), entry.body, schema, 0), schema, 0)


def _repeated(entries: Sequence[Entry]) -> Iterator[Finding]:
    first: dict[str, Entry] = {}
    for entry in entries:
        before = first.setdefault(str(entry.key), entry)
        if before is not entry:
            hint = f"it is defined at {before.place.place}"
            yield entry.key.wrong(f"'{entry.key}' is defined twice", hint, "segment-twice")


def _outlines(entries: Sequence[Entry], known: Sequence[SegmentView]) -> SegmentBook:
    """Every key and name, without what they refer to: so that the order in the file does not matter."""
    names = {view.key: view.name for view in known} | {str(entry.key): entry.title for entry in entries}
    return SegmentBook(MappingProxyType({key: _outline(key, name) for key, name in names.items()}))


def _outline(key: str, name: str) -> Segment:
    return Segment(key, name, None, None, None, 0, 0, 0, MappingProxyType({}), None)


def _with_known(book: SegmentBook, known: Sequence[SegmentView], schema: Schema) -> SegmentBook:
    """What the workspace's own segments refer to, since a cycle may go through them.

    One that cannot be read any more keeps its outline: it is none of the file's.
    """
    for view in known:
        body = {"name": view.name, "parent": view.parent, "expression": view.expression}
        try:
            book = book.put(book.definition(view.key, body, schema, 0), schema, 0)
        except (DataError, ExpressionError):
            continue
    return book


NOBODYS = "\ue000"
"""A name that no segment has: with it, nothing but the part that is asked about can be wrong."""


def _wrong(book: SegmentBook, entry: Entry, schema: Schema) -> Iterator[Finding]:
    """The problems of an entry: its parts are checked apart, so that each can leave its own."""
    expression = None if entry.expression is None else str(entry.expression)  # as it stands, so that places fit
    for part in ("name", "parent", "expression"):
        body = {"name": NOBODYS, part: expression if part == "expression" else entry.body[part]}
        try:
            book.definition(str(entry.key), body, schema, 0)
        except DataError as error:
            yield from (_place(entry, problem).holds(problem) for problem in error.problems)
        except ExpressionError as error:
            yield from (_expression(entry).holds(problem) for problem in error.problems)


def _place(entry: Entry, problem: Problem) -> Slice:
    """Where the heading says what a problem's path names."""
    match problem.path:
        case "$.name":
            return entry.name or entry.key
        case "$.parent":
            return entry.parent or entry.place
        case "$.key":
            return entry.key
        case _:
            return entry.place


def _expression(entry: Entry) -> Slice:
    if entry.expression is None:
        raise ValueError(f"{entry.key} is static")
    return entry.expression


def in_order(entries: Iterable[Entry], schema: Schema, known: Sequence[SegmentView] = ()) -> list[Entry]:
    """Entries without cycles, each after those it names."""
    by_key = {str(entry.key): entry for entry in entries}
    book = _outlines(list(by_key.values()), known)
    needs = {key: _needs(book, entry, schema) & by_key.keys() for key, entry in by_key.items()}
    return [by_key[key] for key in TopologicalSorter(needs).static_order()]


def _needs(book: SegmentBook, entry: Entry, schema: Schema) -> set[str]:
    """Keys of the segments that a sound entry names."""
    parent = set() if entry.parent is None else {str(entry.parent)}
    body = {"name": NOBODYS, "expression": entry.text}
    definition: dict[str, Any] = book.definition(str(entry.key), body, schema, 0).definition
    return parent | set(definition["names"])


# --- tests ---------------------------------------------------------------------------------------------------


def _test(test: Test, schema: Schema, names: Mapping[str, str]) -> Iterator[Finding]:
    """The problems of a test's steps; one that depends on the day it is run has a problem too."""
    if not any(isinstance(step, Expectation) for step in test.steps):
        yield test.place.wrong("the test expects nothing", "as in: expect in segment gold -> ann bob")
    given: Mapping[str, Any] = {}
    clock = False
    for step in test.steps:
        yield from _step(step, schema, names, given)
        match step:
            case ParametersSet(values=values):
                given = {**given, **values}
            case ClockSet():
                clock = True
            case Expectation(expression=expression) if not clock:
                yield expression.wrong("the clock is not set", "say when, above: at 2026-11-22T12:00")
                clock = True
            case _:
                pass


def _step(step: Step, schema: Schema, names: Mapping[str, str], given: Mapping[str, Any]) -> Iterator[Finding]:
    match step:
        case Expectation(expression=expression):
            yield from _attempt(lambda: _understand(expression, schema, names, given))
        case Rows():
            yield from _attempt(lambda: bodies(step, schema))
        case RowsFile(place=place, path=path):
            if not path.is_file():
                yield place.wrong(f"there is no file {path}", "its path is relative to this file's folder")
        case ClockSet(moment=moment):
            yield from _attempt(lambda: instant(moment, schema))
        case Overrides(key=key) if str(key) not in names:
            yield key.wrong(f"the file has no segment '{key}'", did_you_mean(str(key), names))
        case Overrides() | ParametersSet():
            pass
        case _:
            raise TypeError(f"no check of {type(step).__name__}")


def _attempt(work: Callable[[], object]) -> tuple[Finding, ...]:
    try:
        work()
    except FileProblems as error:
        return error.findings
    return ()


def _understand(expression: Slice, schema: Schema, names: Mapping[str, str], given: Mapping[str, Any]) -> None:
    text = str(expression)
    try:
        understand(text, schema, names, named(text, given))
    except ExpressionError as error:
        raise FileProblems(expression.holds(problem) for problem in error.problems) from None


def named(expression: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """Those of the parameters that an expression names."""
    return {name: given[name] for name in parameters(expression) & given.keys()}


def instant(moment: Slice, schema: Schema) -> int:
    """Milliseconds UTC of a clock; without an offset it is in the schema's zone. FileProblems."""
    try:
        return datetime_value(str(moment), schema.zone)
    except BadValue as bad:
        raise FileProblems([moment.wrong(bad.message, bad.hint, "bad-value")]) from None
