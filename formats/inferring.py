"""Inference: a file's first rows, looked at before anything is written."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.types as kinds

from dsl.problems import DataError, Problem
from dsl.schema import COMPANY_SYSTEM_FIELDS, CONTACT_SYSTEM_FIELDS, EVENT_SYSTEM_FIELDS, Schema, Type
from formats.batch import Kind
from formats.convert import settled
from formats.dialect import delimiter_of, encoding_of
from formats.fields import declared
from formats.from_csv import CsvReader
from formats.from_ndjson import NdjsonReader, common
from formats.from_parquet import ParquetReader
from formats.guess import (
    TEXT,
    Guess,
    date_order,
    distinct_texts,
    guess_arrow,
    guess_number,
    guess_text,
    iso_moment,
    number_style,
    tag_separator,
)
from formats.inferred import Column, Dialect, Inferred, ReadOptions, Role
from formats.media import Format, by_suffix
from formats.numbers import SPACES
from formats.roles import is_email, names_identifier, names_tags, roles_of
from formats.rows import Sample, shortened
from formats.sources import Source, Utf8Stream, opened

ROWS = 100_000
"""Rows of text looked at."""
TYPED_ROWS, TYPED_BYTES = 1_000_000, 64 << 20
"""Rows of Parquet looked at, or bytes in memory when that is less."""
START = 1 << 20
"""Bytes looked at for the encoding and the delimiter."""
SAMPLES = 3

_SYSTEM = {
    Kind.CONTACTS: CONTACT_SYSTEM_FIELDS,
    Kind.COMPANIES: COMPANY_SYSTEM_FIELDS,
    Kind.EVENTS: EVENT_SYSTEM_FIELDS,
}


@dataclass(frozen=True, slots=True)
class _Looked:
    """A file's first rows, how they are written, and whether its dates could be read in either order."""

    sample: Sample
    dialect: Dialect
    open_order: bool


def infer(source: Source, kind: Kind, schema: Schema, options: ReadOptions | None = None) -> Inferred:
    """What a file is, from its first 100,000 rows (a million of Parquet) and from what the user says of it.

    A type is kept only when every value looked at fits it; later values that do not are problems of their rows. Fields
    of the schema keep their type. DataError when the file cannot be read at all.
    """
    options = options or ReadOptions()
    _check(options)
    with opened(source) as file:
        format = options.format or _format(source, file)
        match format:
            case Format.CSV:
                looked = _csv(file, options)
            case Format.NDJSON:
                looked = _ndjson(file, options)
            case Format.PARQUET:
                looked = _Looked(_parquet(file), Dialect(), False)
            case _:
                raise DataError([Problem("unreadable_format", f"files of format '{format}' are not read")])
    return _Inference(format, kind, schema, options, looked).result()


def _check(options: ReadOptions) -> None:
    """DataError for options that no file could be read with."""
    delimiter = options.delimiter
    if delimiter is not None and (len(delimiter) != 1 or not delimiter.isascii() or delimiter in '\0"\r\n'):
        raise DataError([Problem("bad_option", "the delimiter is one character, and neither a quote nor a line's end")])
    if options.decimal not in (None, ".", ","):
        raise DataError([Problem("bad_option", "the decimal mark is '.' or ','")])
    if options.thousands not in (None, "", ".", ",", "'", *SPACES):
        raise DataError([Problem("bad_option", "thousands are parted by one of . , ' a space, or by nothing")])


def _format(source: Source, file: BinaryIO) -> Format:
    start = file.read(4096)
    file.seek(0)
    if start.startswith(b"PAR1"):
        return Format.PARQUET
    found = by_suffix(source) if isinstance(source, (str, Path)) else None
    if found is not None and found.reads:
        return found.format
    return Format.NDJSON if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else Format.CSV


def _text_dialect(file: BinaryIO, options: ReadOptions) -> Dialect:
    start = file.read(START)
    file.seek(0)
    encoding = options.encoding or encoding_of(start)
    try:
        "".encode(encoding)
    except LookupError:
        raise DataError([Problem("unknown_encoding", f"'{encoding}' is no encoding")]) from None
    return Dialect(encoding=encoding)


def _csv(file: BinaryIO, options: ReadOptions) -> _Looked:
    dialect = _text_dialect(file, options)
    text = Utf8Stream(file, dialect.encoding).read(START).decode(errors="replace")
    dialect = replace(dialect, delimiter=options.delimiter or delimiter_of(text))
    sample = _sample_csv(CsvReader(file, dialect))
    texts = [distinct_texts(array) for array in sample.columns if array is not None]
    decimal, thousands = number_style(texts, dialect)
    decimal = options.decimal or decimal
    # A separator of groups that the user's decimal mark has taken cannot be meant.
    thousands = options.thousands if options.thousands is not None else thousands if thousands != decimal else ""
    order, open_order = date_order(texts, dialect)
    dialect = replace(dialect, decimal=decimal, thousands=thousands, date_order=options.date_order or order)
    return _Looked(sample, dialect, open_order and options.date_order is None)


def _sample_csv(reader: CsvReader) -> Sample:
    chunks = []
    rows = 0
    for chunk in reader.chunks():
        chunks.append([chunk.texts(i)[: ROWS - rows] for i in range(len(reader.names))])
        rows += len(chunks[-1][0])
        if rows >= ROWS:
            break
    columns: list[pa.Array | None] = [pa.concat_arrays(parts) for parts in zip(*chunks, strict=True)]
    return Sample(reader.names, columns or [pa.array([], pa.string())] * len(reader.names), rows)


def _ndjson(file: BinaryIO, options: ReadOptions) -> _Looked:
    dialect = _text_dialect(file, options)
    chunks = []
    rows = 0
    for chunk in NdjsonReader(file, dialect).chunks():
        chunks.append(chunk)
        rows += len(chunk)
        if rows >= ROWS:
            break
    names = list(dict.fromkeys(name for chunk in chunks for name in chunk.names()))
    columns = [_json_column([value for chunk in chunks for value in chunk.values(name)]) for name in names]
    return _Looked(Sample(names, columns, rows), dialect, False)


def _json_column(values: list[Any]) -> pa.Array | None:
    """Values as one array; objects, which no field holds, as empty structs."""
    if any(isinstance(value, dict) for value in values):
        return pa.array([None if value is None else {} for value in values], pa.struct([]))
    return common(values)


def _parquet(file: BinaryIO) -> Sample:
    """Typed columns are cheap to look at, so more of them is."""
    reader = ParquetReader(file)
    chunks = []
    rows = size = 0
    for chunk in reader.chunks():
        chunks.append(chunk)
        rows, size = rows + len(chunk), size + chunk.size
        if rows >= TYPED_ROWS or size >= TYPED_BYTES:
            break
    columns: list[pa.Array | None] = [
        pa.concat_arrays([settled(pa.array([], type_)), *(chunk.array(name) for chunk in chunks)])
        for name, type_ in zip(reader.names, reader.types, strict=True)
    ]
    return Sample(reader.names, columns, rows)


@dataclass(slots=True)
class _Inference:
    """One inference under way: what is said, what was looked at, and the problems met."""

    format: Format
    kind: Kind
    schema: Schema
    options: ReadOptions
    looked: _Looked
    problems: list[Problem] = field(default_factory=list)
    notices: list[Problem] = field(default_factory=list)
    roles: dict[str, Role] = field(default_factory=dict)

    def result(self) -> Inferred:
        self.roles = self._roles()
        if self.looked.open_order:
            self.notices.append(Problem("open_date_order", "dates fit either order; they are read day first"))
        columns = tuple(
            self._column(number, name, array)
            for number, (name, array) in enumerate(zip(self._sample.names, self._sample.columns, strict=True), 1)
        )
        self._check_names(columns)
        return Inferred(
            self.format,
            self.kind,
            self.looked.dialect,
            columns,
            event=self.options.event if self._type_column() is None else None,
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
        except ValueError as error:
            self.problems.append(Problem("unknown_column", str(error)))
            return roles_of(self._sample.names, self.kind, ReadOptions())
        if Role.KEY not in roles.values():
            whose = "company" if self.kind is Kind.COMPANIES else "contact"
            self.problems.append(
                Problem("no_key_column", f"no column is named like a {whose} id", "name it with the option 'key'")
            )
        if self.kind is Kind.EVENTS and Role.TYPE not in roles.values() and self.options.event is None:
            self.problems.append(
                Problem(
                    "no_event_type", "no column is named like an event type", "name the type of all events with 'type'"
                )
            )
        return roles

    def _type_column(self) -> str | None:
        return next((name for name, role in self.roles.items() if role is Role.TYPE), None)

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
        if not name:
            if array is None or array.null_count < len(array):
                self.problems.append(Problem("unnamed_column", "a column with values has no name in the header"))
            return True
        if array is not None and guess_arrow(array) is None:
            self.notices.append(Problem("unreadable_column", f"'{name}' holds values no field can, and is left out"))
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
                    "undeclared_choice", f"'{column.field}' needs its options", "declare the field in the schema first"
                )
            )
        if wanted is not Type.NUMBER or array is None:
            return Guess(wanted, 0 if wanted is Type.NUMBER else None)
        seen = (
            guess_number(distinct_texts(array), self.looked.dialect)
            if kinds.is_string(array.type)
            else guess_arrow(array)
        )
        return Guess(wanted, 2 if seen is None or seen.decimals is None else seen.decimals)

    def _seen(self, column: Column, array: pa.Array | None) -> Guess:
        if array is None:
            self.notices.append(Problem("mixed_types", f"'{column.name}' holds values of several types; read as text"))
            return TEXT
        if not kinds.is_string(array.type):
            return guess_arrow(array) or TEXT
        if self.format is Format.PARQUET:
            return TEXT
        texts = distinct_texts(array)
        if self.format is Format.NDJSON:
            return iso_moment(texts)
        if names_tags(column.name):
            return Guess(Type.TAGS)
        guess = guess_text(texts, self.looked.dialect)
        return TEXT if guess.type is Type.NUMBER and names_identifier(column.name) else guess

    def _events_of(self, name: str, array: pa.Array | None) -> list[str | None]:
        """The event types with a value in the column, or that declare it; for profiles, none stands for all rows."""
        if self.kind is not Kind.EVENTS:
            return [None]
        column = self._type_column()
        if column is None:
            return [self.options.event]
        labels = self._sample.columns[self._sample.names.index(column)]
        if labels is None or not kinds.is_string(labels.type):
            return []
        given = labels if array is None else labels.filter(array.is_valid())
        seen = distinct_texts(given).to_pylist()
        return sorted({*seen, *(event for event, fields in self.schema.events.items() if name in fields)})

    def _check_names(self, columns: tuple[Column, ...]) -> None:
        taken: dict[str, Column] = {}
        named = {c.name for c in columns if c.name and self.options.columns.get(c.name, c.name) is not None}
        for name in sorted(named):
            if sum(column.name == name for column in columns) > 1:
                self.problems.append(Problem("duplicate_column", f"two columns are named '{name}'"))
        for column in columns:
            if column.field is None:
                continue
            other = taken.setdefault(column.field, column)
            if other.name != column.name:
                self.problems.append(Problem("duplicate_field", f"two columns go to the field '{column.field}'"))
            if column.field in _SYSTEM[self.kind]:
                hint = f"give it another name: columns {{'{column.name}': 'another name'}}"
                self.problems.append(Problem("system_field", f"'{column.field}' is kept by the system", hint))

    def _patch(self, columns: tuple[Column, ...]) -> dict[str, Any]:
        if self.kind is not Kind.EVENTS:
            added = self._added(columns, None)
            return {self.kind.value: added} if added else {}
        added_by_event = {event: self._added(columns, event) for event in self._event_types(columns)}
        new = {e: added for e, added in added_by_event.items() if added or e not in self.schema.events}
        return {self.kind.value: new} if new else {}

    def _event_types(self, columns: tuple[Column, ...]) -> list[str]:
        column = self._type_column()
        if column is None:
            return [] if self.options.event is None else [self.options.event]
        labels = self._sample.columns[self._sample.names.index(column)]
        return [] if labels is None else sorted(distinct_texts(labels).to_pylist())

    def _added(self, columns: tuple[Column, ...], event: str | None) -> dict[str, dict[str, Any]]:
        known = declared(self.schema, self.kind, event)
        return {
            column.field: _spec(column)
            for column in columns
            if column.field is not None and column.field not in known and (event is None or event in column.events)
        }


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
