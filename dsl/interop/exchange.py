"""The forms there are, and the way from a document to an expression and back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import Any

from dsl import tree
from dsl.check import check
from dsl.interop import groups_reading, groups_writing, logic_reading, logic_writing
from dsl.interop.fields import Fields
from dsl.interop.plain import Plain
from dsl.interop.report import Halt, Report
from dsl.json_form import ensure_writable
from dsl.problems import NOWHERE, DataError, ExpressionError, Problem
from dsl.schema import Schema


class Form(StrEnum):
    """The documents of other rule builders."""

    RULE_GROUPS = "react-querybuilder"
    RULE_GROUPS_IC = "react-querybuilder-ic"
    JSON_LOGIC = "jsonlogic"


@dataclass(frozen=True, slots=True)
class Read:
    """The expression of a document, and the differences to know of; their `path` says where in the document."""

    selection: tree.Selection
    notes: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class Written:
    """The document of an expression, and the differences to know of; their `span` says where in the expression."""

    document: Any
    notes: tuple[Problem, ...]


@dataclass(frozen=True, slots=True)
class _Exchange:
    """How one form is read and written: both tell the report, and reading may give None once it has."""

    read: Callable[[Fields, Report, object, str], tree.Expression | None]
    write: Callable[[Fields, Report, tree.Expression], Any]


def _read_groups(fields: Fields, report: Report, document: object, path: str) -> tree.Expression | None:
    return groups_reading.Reading(fields, report).document(document, path)


def _write_groups(fields: Fields, report: Report, plain: tree.Expression, *, independent: bool) -> Any:
    return groups_writing.Writing(fields, report, independent).document(plain)


def _read_logic(fields: Fields, report: Report, document: object, path: str) -> tree.Expression | None:
    return logic_reading.Reading(fields, report).document(document, path)


def _write_logic(fields: Fields, report: Report, plain: tree.Expression) -> Any:
    return logic_writing.Writing(fields, report).document(plain)


EXCHANGES: Mapping[Form, _Exchange] = {
    Form.RULE_GROUPS: _Exchange(_read_groups, partial(_write_groups, independent=False)),
    Form.RULE_GROUPS_IC: _Exchange(_read_groups, partial(_write_groups, independent=True)),
    Form.JSON_LOGIC: _Exchange(_read_logic, _write_logic),
}


def read_rules(form: Form, document: object, schema: Schema, path: str = "$") -> Read:
    """The expression that a document at `path` says; DataError with every part that has no meaning here.

    What is given back fits the schema and can be written as text, within the limits of every text.
    """
    report = Report()
    try:
        condition = EXCHANGES[form].read(Fields(schema), report, document, path)
    except Halt:
        condition = None
    if condition is None or report.problems:
        raise DataError(report.problems)
    selection = tree.Selection(NOWHERE, condition)
    ensure_writable(selection, path)
    return Read(selection, tuple(report.notes))


def write_rules(form: Form, selection: tree.Selection, schema: Schema, *, text: str = "") -> Written:
    """The document that says an expression; ExpressionError with every part that the form cannot say.

    `text` is what was parsed, for the problems.
    """
    report = Report()
    document = None
    with suppress(Halt):
        document = _document(form, selection, schema, report, text)
    _stop(report, text)
    return Written(document, tuple(report.notes))


def _document(form: Form, selection: tree.Selection, schema: Schema, report: Report, text: str) -> Any:
    """The document, where everything could be said; Halt when very much could not."""
    for found in tree.walk(selection):
        if isinstance(found, tree.Parameter):
            report.unsaid(found.span, f"the parameter ${found.name} cannot be said", "write its value in its place")
    if report.problems:
        return None
    check(selection, schema, segments=_segments(selection), text=text)
    plain = Plain(schema, report).selection(selection)
    return None if plain is None else EXCHANGES[form].write(Fields(schema), report, plain)


def _segments(selection: tree.Selection) -> dict[str, str]:
    """Every segment named counts as known: none can be said, whether or not it is there."""
    named = [found.segment for found in tree.walk(selection) if isinstance(found, tree.InSegment)]
    names = {segment.name if isinstance(segment, tree.Identifier) else segment.value for segment in named}
    return {name: name for name in names}


def _stop(report: Report, text: str) -> None:
    if report.problems:
        raise ExpressionError(text, sorted(report.problems, key=lambda found: found.span.start if found.span else 0))
