"""Rows into answers: contacts and events as JSON objects or Arrow batches, in the fields that were asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dsl.problems import DataError, Problem
from dsl.schema import CONTACT_SYSTEM_FIELDS, Field, Schema, Type, type_of_value
from engine.reading import Version
from engine.values import to_json

Rows = NDArray[np.uint32]
COMPANY = Field("company", Type.TEXT)


def contact_fields(schema: Schema) -> dict[str, Field]:
    """Everything a contact shows, in the order in which it shows it."""
    system = CONTACT_SYSTEM_FIELDS
    return {
        "id": system["id"],
        **schema.contacts,
        "company": COMPANY,
        "created": system["created"],
        "updated": system["updated"],
    }


def chosen_fields(schema: Schema, names: Sequence[str] | None, path: str = "$.fields") -> dict[str, Field]:
    """The fields named, in that order; all of them for None. DataError for a name that is no field, and for none."""
    known = contact_fields(schema)
    if names is None:
        return known
    if not names:
        hint = "name at least one, such as id, or leave 'fields' out for all of them"
        raise DataError([Problem("bad-value", "no field is named", hint, path=path)])
    problems = [_unknown(name, known, f"{path}[{i}]") for i, name in enumerate(names) if name not in known]
    if problems:
        raise DataError(problems)
    return {name: known[name] for name in names}


def _unknown(name: str, known: Mapping[str, Field], path: str) -> Problem:
    close = get_close_matches(name, known, n=1)
    hint = f"did you mean '{close[0]}'?" if close else f"the fields are {', '.join(known)}"
    return Problem("unknown-field", f"contacts have no field '{name}'", hint, path=path)


def field_values(version: Version, name: str, rows: Rows) -> list[type_of_value | None]:
    """Physical values of a contact field at `rows`; the company is shown by its id."""
    if name == "id":
        return list(version.contacts.ids(rows))
    if name == "company":
        return _companies(version, rows)
    column = version.contacts.column(name)
    return [None] * len(rows) if column is None else column.values(rows)


def _companies(version: Version, rows: Rows) -> list[type_of_value | None]:
    linked = [version.company_link.company_of(int(row)) for row in rows]
    present = [company for company in linked if company is not None]
    ids = iter(version.companies.ids(np.array(present, dtype=np.uint32)))
    return [None if company is None else next(ids) for company in linked]


def contact_objects(version: Version, fields: Mapping[str, Field], rows: Rows) -> list[dict[str, Any]]:
    """Contacts as JSON objects; a missing value is null."""
    columns = [[to_json(field, value) for value in field_values(version, name, rows)] for name, field in fields.items()]
    return [dict(zip(fields, values, strict=True)) for values in zip(*columns, strict=True)]


def arrow_type(field: Field) -> pa.DataType:
    """How a field is exported: exact decimals, calendar days, UTC milliseconds, lists of text."""
    match field.type:
        case Type.TEXT | Type.CHOICE:
            return pa.string()
        case Type.NUMBER:
            return pa.int64() if field.decimals == 0 else pa.decimal128(19, field.decimals)
        case Type.FLOAT:
            return pa.float64()
        case Type.BOOLEAN:
            return pa.bool_()
        case Type.DATE:
            return pa.date32()
        case Type.DATETIME:
            return pa.timestamp("ms", tz="UTC")
        case Type.TAGS:
            return pa.list_(pa.string())


def arrow_schema(fields: Mapping[str, Field]) -> pa.Schema:
    return pa.schema([(name, arrow_type(field)) for name, field in fields.items()])


def arrow_batch(version: Version, fields: Mapping[str, Field], rows: Rows) -> pa.RecordBatch:
    """Contacts as one Arrow batch of `arrow_schema(fields)`."""
    arrays = [_arrow_array(field, field_values(version, name, rows)) for name, field in fields.items()]
    return pa.RecordBatch.from_arrays(arrays, schema=arrow_schema(fields))


def _arrow_array(field: Field, values: list[type_of_value | None]) -> pa.Array:
    match field.type:
        case Type.NUMBER if field.decimals:
            decimals = [None if v is None else Decimal(int(v)).scaleb(-field.decimals) for v in values]  # type: ignore[arg-type]
            return pa.array(decimals, arrow_type(field))
        case Type.DATE:
            return pa.array(values, pa.int32()).cast(pa.date32())
        case _:
            return pa.array(values, arrow_type(field))
