"""NDJSON: one JSON object a line."""

from __future__ import annotations

import gc
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from operator import attrgetter
from typing import Any, BinaryIO, Protocol

import msgspec
import numpy as np
import pyarrow as pa

from dsl.problems import DataError, Problem
from dsl.schema import Field, Type
from formats.convert import WANTED, json_text, settled
from formats.inferred import Column, Dialect, Role
from formats.numbers import Converted
from formats.rows import Indices, Place, Reject, shortened
from formats.sources import BROKEN, Utf8Stream, size

BLOCK = 1 << 20
"""Bytes decoded at a time."""
LONGEST = 64 << 20
"""Bytes a line may have."""

ACCEPTED: dict[Type, frozenset[type]] = {
    Type.TEXT: frozenset({str}),
    Type.CHOICE: frozenset({str}),
    Type.NUMBER: frozenset({int, float}),
    Type.FLOAT: frozenset({int, float}),
    Type.BOOLEAN: frozenset({bool}),
    Type.DATE: frozenset({str}),
    Type.DATETIME: frozenset({str}),
    Type.TAGS: frozenset({list}),
}
"""The JSON values a field takes, as Python decodes them."""

_IDS = frozenset({str, int})

Object = Any
"""A decoded line: what `Form.decode` gives and `Form.column` reads."""


class Form(Protocol):
    """How the objects of a file are decoded."""

    def decode(self, line: bytes, /) -> Object:
        """msgspec.DecodeError when the line is not an object of the keys that are expected."""

    def column(self, objects: list[Object], name: str) -> list[Any]:
        """The values of one key."""

    def names(self, objects: list[Object]) -> dict[str, None]:
        """The keys of the objects, in order of their first appearance."""


class AnyKeys:
    """Objects of any keys, as dicts."""

    def __init__(self) -> None:
        self.decode = msgspec.json.Decoder(dict[str, Any]).decode

    def column(self, objects: list[Object], name: str) -> list[Any]:
        return [each.get(name) for each in objects]

    def names(self, objects: list[Object]) -> dict[str, None]:
        return dict.fromkeys(name for each in objects for name in each)


class KnownKeys:
    """Objects of known keys alone, as records: quicker to decode than dicts, and nothing the collector has to walk."""

    def __init__(self, names: list[str]) -> None:
        self._fields = {name: f"f{number}" for number, name in enumerate(names)}
        record = msgspec.defstruct(
            "Line",
            [(field, Any, None) for field in self._fields.values()],
            rename={field: name for name, field in self._fields.items()},
            forbid_unknown_fields=True,
            gc=False,
        )
        self.decode = msgspec.json.Decoder(record).decode

    def column(self, objects: list[Object], name: str) -> list[Any]:
        return list(map(attrgetter(self._fields[name]), objects))

    def names(self, objects: list[Object]) -> dict[str, None]:
        return dict.fromkeys(self._fields)


def form_of(names: list[str] | None) -> Form:
    """Records where the keys are known, and can be those of a record: none may hold what JSON escapes."""
    if names is None or any(re.search(r'["\\\x00-\x1f]', name) for name in names):
        return AnyKeys()
    return KnownKeys(names)


class NdjsonReader:
    """An NDJSON file. `names` are the keys to expect, when they are known; others make a row bad."""

    def __init__(self, file: BinaryIO, dialect: Dialect, names: list[str] | None = None) -> None:
        self._size = size(file)
        file.seek(0)
        self._stream = Utf8Stream(file, dialect.encoding)
        self._expected = None if names is None else frozenset(names)
        self._form = form_of(names)
        # Whether what decodes is a row.
        self._strict = names is None or isinstance(self._form, KnownKeys)

    @property
    def names(self) -> list[str]:
        return sorted(self._expected or ())

    def share(self) -> float:
        return min(self._stream.position / max(self._size, 1), 1.0)

    def chunks(self) -> Iterator[NdjsonRows]:
        row, line = 0, 1
        for block in self._blocks():
            lines = block.split(b"\n")
            chunk = self._decode(lines, row, line)
            yield chunk
            row, line = row + len(chunk) + len(chunk.rejects), line + len(lines)

    def _blocks(self) -> Iterator[bytes]:
        """Whole lines, without the last line's end."""
        rest = b""
        while part := self._stream.read(BLOCK):
            whole, end, tail = part.rpartition(b"\n")
            if end:
                yield rest + whole
                rest = tail
            else:
                rest += part
            if len(rest) > LONGEST:
                raise DataError([Problem("line-too-long", f"a line has more than {LONGEST} bytes")])
        if rest.strip():
            yield rest

    def _decode(self, lines: list[bytes], row: int, line: int) -> NdjsonRows:
        """The objects of lines; only where one is none are the lines looked at one by one."""
        if self._stream.damaged or not self._strict:
            return self._sifted(lines, row, line)
        try:
            with uncollected():
                objects = list(map(self._form.decode, lines))
        except msgspec.DecodeError:
            return self._sifted(lines, row, line)
        places = np.arange(len(lines))
        return NdjsonRows(self._form, objects, lines, places + row + 1, places + line, [])

    def _sifted(self, lines: list[bytes], row: int, line: int) -> NdjsonRows:
        good: list[bytes] = []
        places: list[tuple[int, int]] = []
        rejects: list[Reject] = []
        for number, text in enumerate(lines, line):
            if not text or text.isspace():
                continue
            row += 1
            problem = self._problem(text)
            if problem is not None:
                rejects.append(Reject.of(Place(row, number), problem, _shown(text)))
                continue
            good.append(text)
            places.append((row, number))
        numbers = np.array(places, dtype=np.int64).reshape(-1, 2)
        objects = list(map(self._form.decode, good))
        return NdjsonRows(self._form, objects, good, numbers[:, 0], numbers[:, 1], rejects)

    def _problem(self, text: bytes) -> Problem | None:
        """What keeps a line from being a row."""
        if self._stream.damaged and BROKEN.encode() in text:
            return Problem("bad-encoding", "the line is not well encoded")
        try:
            decoded = _any.decode(text)
        except msgspec.DecodeError as error:
            return Problem("bad-json", f"not a JSON object: {error}", "each line holds one object in braces")
        strangers = () if self._expected is None else (name for name in decoded if name not in self._expected)
        name = next(iter(strangers), None)
        if name is None:
            return None
        return Problem("unknown-field", f"'{shortened(name)}' is neither in the schema nor in the rows looked at first")


_any = AnyKeys()


@contextmanager
def uncollected() -> Iterator[None]:
    """Without the cyclic collector, which would walk many new objects that hold no cycles, again and again.

    Where several threads overlap, the one that found it at work sets it to work again.
    """
    working = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if working:
            gc.enable()


class NdjsonRows:
    """Lines and what they hold, with the row and line number of each."""

    def __init__(
        self,
        form: Form,
        objects: list[Object],
        lines: list[bytes],
        rows: Indices,
        places: Indices,
        rejects: list[Reject],
    ) -> None:
        self._form = form
        self._objects = objects
        self._lines = lines
        self._rows = rows
        self._places = places
        self.rejects = rejects

    def __len__(self) -> int:
        return len(self._objects)

    def cells(self, column: Column, field: Field) -> Converted:
        accepted = _IDS if column.role in (Role.KEY, Role.COMPANY, Role.EVENT_ID) else ACCEPTED[field.type]
        return typed(self.values(column.name), accepted)

    def texts(self, header: str) -> pa.StringArray:
        return pa.array([json_text(value) for value in self.values(header)], pa.string())

    def unreadable(self, value: object, field: Field) -> Problem:
        shown = shortened(msgspec.json.encode(value).decode())
        return Problem("wrong-type", f"{shown} is not {WANTED[field.type][1]}")

    def names(self) -> dict[str, None]:
        return self._form.names(self._objects)

    def values(self, name: str) -> list[Any]:
        return self._form.column(self._objects, name)

    def select(self, chosen: Indices) -> NdjsonRows:
        objects, lines = ([items[i] for i in chosen.tolist()] for items in (self._objects, self._lines))
        return NdjsonRows(self._form, objects, lines, self._rows[chosen], self._places[chosen], [])

    def value(self, index: int, column: Column) -> object:
        return self._form.column([self._objects[index]], column.name)[0]

    def place(self, index: int) -> Place:
        return Place(int(self._rows[index]), int(self._places[index]))

    def raw(self, index: int) -> str:
        return _shown(self._lines[index])


def _shown(line: bytes) -> str:
    return line.decode().rstrip("\r").replace(BROKEN, "\ufffd")


def typed(values: list[Any], accepted: frozenset[type]) -> Converted:
    """Decoded JSON values as one array, and a mask of those of other types, which are null."""
    if set(map(type, values)) - {type(None)} <= accepted and (array := common(values)) is not None:
        return array, np.zeros(len(values), dtype=np.bool_)
    wrong = [value is not None and (type(value) not in accepted or common([value]) is None) for value in values]
    kept = [None if bad else value for value, bad in zip(values, wrong, strict=True)]
    array = common(kept)
    if array is None:
        array = pa.array([None if value is None else str(value) for value in kept], pa.string())
    return array, np.array(wrong, dtype=np.bool_)


_ARRAYS: tuple[tuple[frozenset[type], pa.DataType], ...] = (
    (frozenset({str}), pa.string()),
    (frozenset({bool}), pa.bool_()),
    (frozenset({int}), pa.int64()),
    (frozenset({int, float}), pa.float64()),
    (frozenset({list}), pa.list_(pa.string())),
)


def common(values: list[Any]) -> pa.Array | None:
    """The array of the one type all values have; None when they have none, or one does not fit it."""
    found = set(map(type, values)) - {type(None)}
    type_ = next((arrow for types, arrow in _ARRAYS if found <= types), None)
    if type_ is None:
        return None
    try:
        return settled(pa.array(values, type_))
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):
        return None


def prevailing(values: list[Any]) -> tuple[list[Any], list[Any]]:
    """The values with null for those of another JSON type than most, and these others.

    >>> prevailing([1, "two", 3.5, None])
    ([1, None, 3.5, None], ['two'])
    """
    kinds = Counter(_json_type(value) for value in values if value is not None)
    if len(kinds) < 2:
        return values, []
    [(most, _)] = kinds.most_common(1)
    return (
        [value if _json_type(value) is most else None for value in values],
        [value for value in values if value is not None and _json_type(value) is not most],
    )


def _json_type(value: object) -> type:
    """The type of a decoded value; numbers are one."""
    return float if type(value) is int else type(value)
