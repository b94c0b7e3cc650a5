"""Rows and values as a segment file writes them: `ann country=FR name="Du Pont" interests=[ski, vtt] points=31`."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from dsl.problems import DataError, Problem
from dsl.schema import Schema, Type
from engine.changes import Change
from engine.validation import companies_from_rows, contacts_from_rows, events_from_rows
from formats.batch import Kind
from formats.fields import declared
from server.segment_files.document import Row, Rows
from server.segment_files.text import FileProblems, Finding, Slice, unquoted, words

KEYS: Mapping[Kind, tuple[str, ...]] = {
    Kind.CONTACTS: ("id",),
    Kind.COMPANIES: ("id",),
    Kind.EVENTS: ("contact", "type", "at"),
}
"""What a row of each kind begins with."""

_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_LITERALS: Mapping[str, Any] = {"null": None, "true": True, "false": False}
_SAID_AS_TEXT = (None, Type.TEXT, Type.CHOICE)


def row(kind: Kind, line: Slice) -> Row:
    """A row of a line. FileProblems."""
    keys, found = KEYS[kind], words(line)
    if len(found) < len(keys) or any(str(word) == "=" for word in found[: len(keys) + 1]):
        raise FileProblems([line.wrong(f"a row of {kind} begins with {', '.join(keys)}", _example(kind))])
    return Row(line, tuple(found[: len(keys)]), pairs(found[len(keys) :]))


def _example(kind: Kind) -> str:
    keys = "ann open 2026-11-22T10:00" if kind is Kind.EVENTS else "ann"
    return f'as in: {keys} country=FR name="Du Pont"'


def pairs(found: Sequence[Slice]) -> tuple[tuple[Slice, Slice], ...]:
    """Words as `name=value` pairs. FileProblems at the first that is none."""
    for number, word in enumerate(found):
        if (str(word) == "=") is not (number % 3 == 1):
            raise FileProblems([word.wrong("values are written name=value", 'quote what has spaces: name="Du Pont"')])
    if len(found) % 3:
        raise FileProblems([found[-1].wrong("a value is missing here", "values are written name=value")])
    return tuple(zip(found[::3], found[2::3], strict=True))


def value(word: Slice, type: Type | None) -> Any:
    """The JSON value of a word where a value of `type` is due: for texts, 33 is the text. FileProblems."""
    text = str(word)
    if text.startswith("["):
        return [unquoted(item) for item in words(_inside(word)) if str(item) != ","]
    if text == "null":
        return None
    if text.startswith('"') or type in _SAID_AS_TEXT:
        return unquoted(word)
    if _NUMBER.fullmatch(text):
        return json.loads(text)
    return _LITERALS.get(text, text)


def _inside(list: Slice) -> Slice:
    """A list without its brackets; commas part its items."""
    parted = str(list)[1:-1].replace(",", " ")
    return Slice(type(list.source)(list.source.path, parted), 0, len(parted))


def free_value(word: Slice) -> Any:
    """The JSON value of a word where nothing says its type, as for a parameter."""
    return value(word, Type.NUMBER)


# --- for a workspace -----------------------------------------------------------------------------------------

_VALIDATE: Mapping[Kind, Callable[[Schema, Any, int], Change]] = {
    Kind.CONTACTS: contacts_from_rows,
    Kind.COMPANIES: companies_from_rows,
    Kind.EVENTS: events_from_rows,
}


def bodies(rows: Rows, schema: Schema) -> list[dict[str, Any]]:
    """The rows as a workspace takes them. FileProblems with everything that does not fit the schema."""
    found = [_body(rows.kind, row, schema) for row in rows.rows]
    try:
        _VALIDATE[rows.kind](schema, found, 0)
    except DataError as error:
        raise FileProblems(placed(rows, error.problems)) from None
    return found


def _body(kind: Kind, row: Row, schema: Schema) -> dict[str, Any]:
    keys = {name: unquoted(word) for name, word in zip(KEYS[kind], row.keys, strict=True)}
    fields = declared(schema, kind, keys.get("type"))
    values = {unquoted(name): word for name, word in row.values}
    return keys | {name: value(word, fields[name].type if name in fields else None) for name, word in values.items()}


_PATH = re.compile(r"""\$\.\w+\[(\d+)\](?:\.(.+)|\['(.+)'\])?""")


def placed(rows: Rows, problems: Sequence[Problem]) -> Iterator[Finding]:
    """Problems with paths such as `$.events[3].amount`, at the word they are about."""
    for problem in problems:
        found = _PATH.fullmatch(problem.path or "")
        if found is None:
            raise ValueError(f"no place for {problem}")
        number, plain, quoted = found.groups()
        yield _word(rows, rows.rows[int(number)], plain or quoted).wrong(problem.message, problem.hint, problem.code)


def _word(rows: Rows, row: Row, name: str | None) -> Slice:
    """The value of a row that is called `name`; for a name that is no field, the name."""
    if name in KEYS[rows.kind]:
        return row.keys[KEYS[rows.kind].index(name)]
    return next((word for written, word in row.values if unquoted(written) == name), row.place)
