"""Inference: a file's first rows, looked at before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import pyarrow as pa
import pyarrow.types as kinds

from dsl.problems import DataError, Problem
from dsl.schema import COMPANY_SYSTEM_FIELDS, CONTACT_SYSTEM_FIELDS, EVENT_SYSTEM_FIELDS, Schema, Type
from formats.batch import Kind
from formats.event_types import rule_problems
from formats.fields import declared
from formats.guess import (
    TEXT,
    Guess,
    Values,
    any_match,
    distinct_texts,
    guess_arrow,
    guess_number,
    guess_text,
    header_like_data,
    iso_moment,
    tag_separator,
)
from formats.inferred import Column, Inferred, ReadOptions, Role
from formats.instants import SHORT_YEAR
from formats.looking import Looked, format_of, look
from formats.media import Format
from formats.numbers import SPACES
from formats.roles import is_email, names_identifier, names_tags, roles_of, unknown_column
from formats.rows import Sample, shortened
from formats.sources import Source, opened

SAMPLES = 3

_SYSTEM = {
    Kind.CONTACTS: CONTACT_SYSTEM_FIELDS,
    Kind.COMPANIES: COMPANY_SYSTEM_FIELDS,
    Kind.EVENTS: EVENT_SYSTEM_FIELDS,
}


def infer(source: Source, kind: Kind, schema: Schema, options: ReadOptions | None = None) -> Inferred:
    """What a file is, from its first 100,000 rows (a million of Parquet) and from what the user says of it.

    A type is kept when every value looked at fits it, or all but few (`guess.FEW`); those that do not, and later ones,
    are problems of their rows. Fields of the schema keep their type. DataError when the file cannot be read at all.
    """
    options = options or ReadOptions()
    _check(options)
    with opened(source) as file:
        format = options.format or format_of(source, file)
        looked = look(file, format, options)
    return _Inference(format, kind, schema, options, looked).result()


def _check(options: ReadOptions) -> None:
    """DataError for options that no file could be read with."""
    delimiter = options.delimiter
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '\0"\r\n'):
        raise DataError([Problem("bad-option", "the delimiter is one character, and neither a quote nor a line's end")])
    if options.decimal not in (None, ".", ","):
        raise DataError([Problem("bad-option", "the decimal mark is '.' or ','")])
    if options.thousands not in (None, "", ".", ",", "'", *SPACES):
        raise DataError([Problem("bad-option", "thousands are parted by one of . , ' a space, or by nothing")])


@dataclass(slots=True)
class _Inference:
    """One inference under way: what is said, what was looked at, and the problems met."""

    format: Format
    kind: Kind
    schema: Schema
    options: ReadOptions
    looked: Looked
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)
    roles: dict[str, Role] = field(default_factory=dict)

    def result(self) -> Inferred:
        self.roles = self._roles()
        self._check_options()
        if self.looked.open_order:
            self.notices.append(Problem("open-date-order", "dates fit either order; they are read day first"))
        columns = tuple(
            self._column(number, name, array)
            for number, (name, array) in enumerate(zip(self._sample.names, self._sample.columns, strict=True), 1)
        )
        for column, array in zip(columns, self._sample.columns, strict=True):
            self._note_short_years(column, array)
        self._check_names(columns)
        self._check_header()
        return Inferred(
            self.format,
            self.kind,
            self.looked.dialect,
            columns,
            event=self._default_type(),
            type_rules=self.options.type_rules if self.kind is Kind.EVENTS else (),
            id_columns=self._id_columns(),
            patch=self._patch(columns),
            problems=tuple(self.problems),
            notices=tuple(self.notices),
            sampled=self._sample.rows,
        )

    @property
    def _sample(self) -> Sample:
        return self.looked.sample

    def _roles(self) -> dict[str, Role]:
        try:
            roles = roles_of(self._sample.names, self.kind, self.options)
        except DataError as error:
            self.problems += error.problems
            return roles_of(self._sample.names, self.kind, ReadOptions())
        if Role.KEY not in roles.values():
            whose = "company" if self.kind is Kind.COMPANIES else "contact"
            self.problems.append(
                Problem("no-key-column", f"no column is named like a {whose} id", "name it with the option 'id-column'")
            )
        told = Role.TYPE in roles.values() or self.options.event is not None or self.options.type_rules
        if self.kind is Kind.EVENTS and not told:
            self.problems.append(
                Problem(
                    "no-event-type",
                    "no column is named like an event type",
                    "name the type of all events with 'type'",
                )
            )
        return roles

    def _type_column(self) -> str | None:
        return next((name for name, role in self.roles.items() if role is Role.TYPE), None)

    def _note_short_years(self, column: Column, array: pa.Array | None) -> None:
        dated = column.role is Role.AT or column.type in (Type.DATE, Type.DATETIME)
        if dated and array is not None and kinds.is_string(array.type) and any_match(array, SHORT_YEAR):
            self.notices.append(
                Problem("short-years", f"'{column.name}' has years of two digits, which are read as 1950 to 2049")
            )

    def _default_type(self) -> str | None:
        """The type of events that no rule and no column tells."""
        return self.options.event if self._type_column() is None else None

    def _id_columns(self) -> tuple[str, ...]:
        """The columns event ids are made of, sorted, so that ids do not depend on the order of columns."""
        chosen = self.options.id_columns if self.kind is Kind.EVENTS else ()
        return tuple(sorted({name for name in self._sample.names if name} if "*" in chosen else set(chosen)))

    def _check_options(self) -> None:
        """Columns that the options name must be there; ids come from one place."""
        headers = self._sample.names
        self.problems += rule_problems(self.options.type_rules, headers)
        named = {
            "event ids": [name for name in self.options.id_columns if name != "*"],
            "a field": [*self.options.columns, *(self.options.only or ())],
        }
        self.problems += [
            unknown_column(name, headers, purpose)
            for purpose, names in named.items()
            for name in names
            if name not in headers
        ]
        own = next((name for name, role in self.roles.items() if role is Role.EVENT_ID), None)
        if own is not None and self.options.id_columns:
            hint = "take event ids from it, or leave it out"
            self.problems.append(Problem("bad-option", f"the column '{own}' holds event ids already", hint))

    def _column(self, number: int, name: str, array: pa.Array | None) -> Column:
        role = self.roles.get(name, Role.FIELD)
        samples = _samples(array)
        if role is not Role.FIELD:
            kept = name if role is Role.KEY and is_email(name) and self.kind is Kind.CONTACTS else None
            column = Column(name, number, role, samples=samples)
            return column if kept is None else self._typed(replace(column, field=kept), array)
        if self._left_out(name, array):
            return Column(name, number, Role.LEFT_OUT, samples=samples)
        return self._typed(Column(name, number, role, field=self._field_name(name), samples=samples), array)

    def _field_name(self, name: str) -> str:
        return self.options.columns.get(name) or name

    def _left_out(self, name: str, array: pa.Array | None) -> bool:
        if name in self.options.columns:
            return self.options.columns[name] is None
        if self.options.only is not None and name not in self.options.only:
            return True
        if not name:
            if array is None or array.null_count < len(array):
                self.problems.append(Problem("unnamed-column", "a column with values has no name in the header"))
            return True
        if array is not None and guess_arrow(array) is None:
            self.notices.append(Problem("unreadable-column", f"'{name}' holds values no field can, and is left out"))
            return True
        return False

    def _typed(self, column: Column, array: pa.Array | None) -> Column:
        """The column with its type: the schema's, the user's, or the guess; and the event types it belongs to."""
        assert column.field is not None
        events = self._events_of(column.field, array)
        fields = [declared(self.schema, self.kind, event).get(column.field) for event in events or [None]]
        known = [field for field in fields if field is not None]
        guess = Guess(known[0].type, known[0].decimals) if known else self._guess(column, array)
        return replace(
            column,
            type=guess.type,
            decimals=guess.decimals if guess.type is Type.NUMBER else None,
            new=len(known) < len(fields),
            separator=self._separator(guess, array),
            events=tuple(event for event in events if event is not None),
        )

    def _separator(self, guess: Guess, array: pa.Array | None) -> str | None:
        texts = guess.type is Type.TAGS and array is not None and kinds.is_string(array.type)
        return tag_separator(array) if texts else None

    def _guess(self, column: Column, array: pa.Array | None) -> Guess:
        assert column.field is not None
        wanted = self.options.types.get(column.field)
        if wanted is None:
            return self._seen(column, array)
        if wanted is Type.CHOICE:
            self.problems.append(
                Problem(
                    "undeclared-choice", f"'{column.field}' needs its options", "declare the field in the schema first"
                )
            )
        if wanted is not Type.NUMBER or array is None:
            return Guess(wanted, 0 if wanted is Type.NUMBER else None)
        seen = (
            guess_number(Values.of(array), self.looked.dialect) if kinds.is_string(array.type) else guess_arrow(array)
        )
        return Guess(wanted, 2 if seen is None or seen.decimals is None else seen.decimals)

    def _seen(self, column: Column, array: pa.Array | None) -> Guess:
        strays = self._sample.strays.get(column.name)
        if strays is not None:
            others = f"{strays.rows:,} of them of another type than most, such as {strays.first}"
            message = f"'{column.name}' holds values of several types, {others}; their rows are rejected"
            self.notices.append(Problem("mixed-types", message))
        if array is None:
            return TEXT
        if not kinds.is_string(array.type):
            return guess_arrow(array) or TEXT
        if self.format is Format.PARQUET:
            return TEXT
        if names_tags(column.name) and self.format is Format.CSV:
            return Guess(Type.TAGS)
        values = Values.of(array)
        guess = iso_moment(values) if self.format is Format.NDJSON else guess_text(values, self.looked.dialect)
        if guess.type is Type.NUMBER and names_identifier(column.name):
            return TEXT
        if guess.misfits:
            self.notices.append(_note_misfits(column, guess))
        return guess if guess.settled else TEXT

    def _events_of(self, name: str, array: pa.Array | None) -> list[str | None]:
        """The event types with a value in the column, or that declare it; for profiles, none stands for all rows."""
        if self.kind is not Kind.EVENTS:
            return [None]
        column = self._type_column()
        if column is None:
            return list(self._named_types())
        labels = self._sample.columns[self._sample.names.index(column)]
        if labels is None or not kinds.is_string(labels.type):
            return list(self._named_types())
        given = labels if array is None else labels.filter(array.is_valid())
        declared_by = (event for event, fields in self.schema.events.items() if name in fields)
        return sorted({*distinct_texts(given).to_pylist(), *declared_by, *self._named_types()})

    def _named_types(self) -> list[str]:
        """The event types the options name.

        Rules part the lines of one table, so each of their types has every column.
        """
        default = self._default_type()
        return sorted({rule.event for rule in self.options.type_rules} | ({default} if default is not None else set()))

    def _check_header(self) -> None:
        """A first line that looks like the others may be no header."""
        if self.format is not Format.CSV or not self.looked.dialect.header:
            return
        for name, array in zip(self._sample.names, self._sample.columns, strict=True):
            if array is not None and header_like_data(name, Values.of(array), self.looked.dialect):
                hint = "if the file has no header line, name its columns in order with the option 'names'"
                self.notices.append(
                    Problem("no-header", f"the first line looks like data: '{shortened(name)}' names a column", hint)
                )
                return

    def _check_names(self, columns: tuple[Column, ...]) -> None:
        taken: dict[str, Column] = {}
        named = {c.name for c in columns if c.name and self.options.columns.get(c.name, c.name) is not None}
        for name in sorted(named):
            if sum(column.name == name for column in columns) > 1:
                self.problems.append(Problem("duplicate-column", f"two columns are named '{name}'"))
        for column in columns:
            if column.field is None:
                continue
            other = taken.setdefault(column.field, column)
            if other.name != column.name:
                self.problems.append(Problem("duplicate-field", f"two columns go to the field '{column.field}'"))
            if column.field in _SYSTEM[self.kind]:
                hint = f"give it another name: --column '{column.name}=another name', over HTTP columns"
                self.problems.append(Problem("system-field", f"'{column.field}' is kept by the system", hint))

    def _patch(self, columns: tuple[Column, ...]) -> dict[str, Any]:
        if self.kind is not Kind.EVENTS:
            added = self._added(columns, None)
            return {self.kind.value: added} if added else {}
        added_by_event = {event: self._added(columns, event) for event in self._event_types(columns)}
        new = {e: added for e, added in added_by_event.items() if added or e not in self.schema.events}
        return {self.kind.value: new} if new else {}

    def _event_types(self, columns: tuple[Column, ...]) -> list[str]:
        column = self._type_column()
        labels = None if column is None else self._sample.columns[self._sample.names.index(column)]
        seen = [] if labels is None else distinct_texts(labels).to_pylist()
        return sorted({*seen, *self._named_types()})

    def _added(self, columns: tuple[Column, ...], event: str | None) -> dict[str, dict[str, Any]]:
        known = declared(self.schema, self.kind, event)
        return {
            column.field: _spec(column)
            for column in columns
            if column.field is not None and column.field not in known and (event is None or event in column.events)
        }


def _note_misfits(column: Column, guess: Guess) -> Problem:
    """That some values of a column do not fit what most are, and what follows from it."""
    wanted = guess.type.value
    verb = "is" if guess.misfits == 1 else "are"
    found = (
        f"{guess.misfits:,} of {guess.rows:,} values looked at {verb} no {wanted}: '{shortened(guess.misfit or '')}'"
    )
    if guess.settled:
        hint = f"to keep these too, read it as text: {_typing(column, Type.TEXT)}"
        return Problem("mixed-types", f"'{column.name}' holds {wanted}s, but {found}; their rows are rejected", hint)
    hint = f"to have their rows rejected instead: {_typing(column, guess.type)}"
    return Problem("mixed-types", f"'{column.name}' is read as text, as {found}", hint)


def _typing(column: Column, type: Type) -> str:
    """How a column's type is told."""
    return f"--field '{column.field}={type.value}', over HTTP field_type"


def _spec(column: Column) -> dict[str, Any]:
    """A field in the JSON form of a schema patch."""
    assert column.type is not None
    decimals = {} if column.decimals is None else {"decimals": column.decimals}
    return {"type": column.type.value, **decimals}


def _samples(array: pa.Array | None) -> tuple[str, ...]:
    if array is None:
        return ()
    first = array.drop_null()[:1000]
    shown = (shortened(str(value)) for value in first.to_pylist())
    return tuple(dict.fromkeys(shown))[:SAMPLES]
