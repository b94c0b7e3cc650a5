"""NDJSON: one JSON object a line."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, BinaryIO

import msgspec
import numpy as np
import pyarrow as pa

from dsl.problems import DataError, Problem
from dsl.schema import Field, Type
from formats.convert import WANTED, settled
from formats.inferred import Column, Dialect, Role
from formats.numbers import Converted
from formats.rows import Indices, Place, Reject, shortened
from formats.sources import BROKEN, Utf8Stream, size

BLOCK = 1 << 20
"""Bytes decoded at a time; the collector makes larger blocks slower, for it walks the objects of all."""
LONGEST = 64 << 20
"""Bytes a line may have."""

_decoder = msgspec.json.Decoder()

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

Object = dict[str, Any]


class NdjsonReader:
    """An NDJSON file. `names` are the keys to expect, when they are known; others make a row bad."""

    def __init__(self, file: BinaryIO, dialect: Dialect, names: list[str] | None = None) -> None:
        self._size = size(file)
        file.seek(0)
        self._stream = Utf8Stream(file, dialect.encoding)
        self._expected = None if names is None else frozenset(names)

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
                raise DataError([Problem("line_too_long", f"a line has more than {LONGEST} bytes")])
        if rest.strip():
            yield rest

    def _decode(self, lines: list[bytes], row: int, line: int) -> NdjsonRows:
        objects: list[Object] = []
        places: list[Place] = []
        raws: list[bytes] = []
        rejects: list[Reject] = []
        for number, text in enumerate(lines, line):
            if not text or text.isspace():
                continue
            row += 1
            decoded = self._object(text)
            if isinstance(decoded, Problem):
                rejects.append(Reject.of(Place(row, number), decoded, _shown(text)))
                continue
            objects.append(decoded)
            places.append(Place(row, number))
            raws.append(text)
        return NdjsonRows(objects, places, raws, rejects)

    def _object(self, text: bytes) -> Object | Problem:
        if self._stream.damaged and BROKEN.encode() in text:
            return Problem("bad_encoding", "the line is not well encoded")
        try:
            decoded = _decoder.decode(text)
        except msgspec.DecodeError as error:
            return Problem("bad_json", f"not a JSON object: {error}")
        if type(decoded) is not dict:
            return Problem("bad_json", "not a JSON object", "each line holds one object in braces")
        if self._expected is not None and not decoded.keys() <= self._expected:
            name = next(name for name in decoded if name not in self._expected)
            return Problem(
                "unknown_field", f"'{shortened(name)}' is neither in the schema nor in the rows looked at first"
            )
        return decoded


class NdjsonRows:
    def __init__(self, objects: list[Object], places: list[Place], raws: list[bytes], rejects: list[Reject]) -> None:
        self._objects = objects
        self._places = places
        self._raws = raws
        self.rejects = rejects

    def __len__(self) -> int:
        return len(self._objects)

    def cells(self, column: Column, field: Field) -> Converted:
        accepted = _IDS if column.role in (Role.KEY, Role.COMPANY, Role.EVENT_ID) else ACCEPTED[field.type]
        return typed([row.get(column.name) for row in self._objects], accepted)

    def unreadable(self, value: object, field: Field) -> Problem:
        shown = shortened(msgspec.json.encode(value).decode())
        return Problem("wrong_type", f"{shown} is not {WANTED[field.type][1]}")

    def names(self) -> dict[str, None]:
        """The keys of the objects, in order of their first appearance."""
        return dict.fromkeys(name for row in self._objects for name in row)

    def values(self, name: str) -> list[Any]:
        return [row.get(name) for row in self._objects]

    def select(self, chosen: Indices) -> NdjsonRows:
        def pick(items: list[Any]) -> list[Any]:
            return [items[i] for i in chosen.tolist()]

        return NdjsonRows(pick(self._objects), pick(self._places), pick(self._raws), [])

    def value(self, index: int, column: Column) -> object:
        return self._objects[index].get(column.name)

    def place(self, index: int) -> Place:
        return self._places[index]

    def raw(self, index: int) -> str:
        return _shown(self._raws[index])


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
