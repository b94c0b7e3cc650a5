"""Small CSV bodies of writes, as the rows that JSON would have held."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import Any

from dsl.problems import DataError, Problem
from dsl.schema import Field, Schema, Type
from engine.values import iso_datetime, to_json
from formats.batch import Batch, Kind
from formats.inferred import Inferred, ReadOptions
from formats.inferring import infer
from formats.media import Format
from formats.reading import read


def rows_of_csv(content: bytes, kind: Kind, schema: Schema) -> list[dict[str, Any]]:
    """The rows of a CSV text whose columns are fields of the schema; an empty cell gives nothing. DataError."""
    source = io.BytesIO(content)
    inferred = infer(source, kind, schema, ReadOptions(format=Format.CSV))
    _refuse_growth(inferred)
    return [row for batch in read(source, inferred, schema) for row in _rows(batch, schema)]


def _refuse_growth(inferred: Inferred) -> None:
    """A write does not change the schema; an import would."""
    hint = "add it to the schema first, or use an import, which adds it"
    new = [
        Problem("unknown-field", f"the schema has no field '{column.field}'", hint, path=f"$.{column.name}")
        for column in inferred.columns
        if column.new
    ]
    if new or inferred.problems:
        raise DataError([*inferred.problems, *new])


def _rows(batch: Batch, schema: Schema) -> Iterator[dict[str, Any]]:
    fields = _fields(batch, schema)
    columns: list[tuple[str, list[Any]]] = [
        (name, [_value(fields[name], value) for value in array.to_pylist()]) for name, array in batch.columns.items()
    ]
    columns.append(("contact" if batch.kind is Kind.EVENTS else "id", batch.keys.to_pylist()))
    if batch.kind is Kind.EVENTS:
        columns.append(("type", [batch.event] * len(batch)))
    if batch.at is not None:
        columns.append(("at", [iso_datetime(at) for at in batch.at.tolist()]))
    for name, array in (("id", batch.ids), ("company", batch.company)):
        if array is not None:
            columns.append((name, array.to_pylist()))
    for i in range(len(batch)):
        yield {name: values[i] for name, values in columns if values[i] is not None}


def _fields(batch: Batch, schema: Schema) -> Mapping[str, Field]:
    match batch.kind:
        case Kind.CONTACTS:
            return schema.contacts
        case Kind.COMPANIES:
            return schema.companies
        case Kind.EVENTS:
            return schema.events[batch.event or ""]


def _value(field: Field, value: Any) -> Any:
    """A physical value as a JSON body would have it."""
    if value is None or field.type is Type.TAGS:
        return value
    shown = to_json(field, value)
    return float(shown) if field.type is Type.NUMBER and field.decimals else shown
