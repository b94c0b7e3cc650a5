"""How PostgreSQL's tables are made: rows in the order of time, an index for every question.

`events` is what the tables of the event types inherit from, so that they need not be there twice. Two connections copy
and then index, the largest table first. Each table is copied to by the transaction that makes it: with
`wal_level = minimal` nothing of it goes through the log then, and yet it outlasts a server that was killed, as an
unlogged table would not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from bench import words
from bench.generate import SCHEMA, SHARES, Files
from bench.peers import TABLES

Connect = Callable[[], Any]
"""A connection of its own, each statement a transaction of its own."""
Work = Callable[[Any], None]
"""Something that needs a connection."""
CONNECTIONS = 2
TYPES = {"text": "text", "number": "integer", "date": "date", "boolean": "boolean"}
ENUMS = {
    "country": words.COUNTRIES,
    "city": words.cities(),
    "language": words.LANGUAGES,
    "sector": words.SECTORS,
    "campaign": words.CAMPAIGNS,
    "url": words.urls(),
    "product": words.PRODUCTS,
    "category": words.CATEGORIES,
}
"""Columns of texts with at most some thousands of different values: four bytes each."""
EXTENSION = "create extension pg_trgm"
INDEXES = (
    *(f"contacts ({column})" for column in ("country", "city", "language", "age", "points", "signup", "company")),
    *(f"companies ({column})" for column in ("sector", "size", "country", "founded")),
    "contacts using gin (email gin_trgm_ops)",
    "contacts (email text_pattern_ops)",
    "interests (interest, contact)",
    *(f"{table} ({columns})" for table in TABLES.values() for columns in ("moment, contact", "contact, moment")),
    *(f"{table} (campaign, contact, moment)" for table in ("sends", "opens", "clicks")),
    "visits (url, contact, moment)",
    "purchases (category, moment, contact)",
)


@dataclass(frozen=True, slots=True)
class Table:
    """Its columns with their types, and its rows out of the files; `key` is unique."""

    name: str
    types: Mapping[str, str]
    rows: Callable[[Files], Iterator[pa.Table]]
    key: str | None = None
    parent: str | None = None

    @property
    def created(self) -> str:
        return f"create table {self.name} ({columns(self.types)})"

    @property
    def finished(self) -> Iterator[str]:
        if self.key is not None:
            yield f"alter table {self.name} add primary key ({self.key})"
        if self.parent is not None:
            yield f"alter table {self.name} inherit {self.parent}"


def tables() -> list[Table]:
    """All that rows are copied to, the largest first."""
    largest_first = sorted(SHARES, key=lambda type: -SHARES[type])
    return [*map(event_table, largest_first), contact_table(), INTERESTS, company_table()]


def event_table(type: str) -> Table:
    properties = field_types(SCHEMA["events"][type])

    def rows(files: Files) -> Iterator[pa.Table]:
        return (events(batch, list(properties)) for batch in batches(files.events(type)))

    return Table(TABLES[type], {"contact": "integer", "moment": "bigint"} | properties, rows, parent="events")


def contact_table() -> Table:
    fields = field_types(SCHEMA["contacts"])

    def rows(files: Files) -> Iterator[pa.Table]:
        return (entities(batch, ("id", "company"), list(fields)) for batch in batches(files.contacts))

    return Table("contacts", {"id": "integer"} | fields | {"company": "integer"}, rows, key="id")


def company_table() -> Table:
    fields = field_types(SCHEMA["companies"])

    def rows(files: Files) -> Iterator[pa.Table]:
        return (entities(batch, ("id",), list(fields)) for batch in batches(files.companies))

    return Table("companies", {"id": "integer"} | fields, rows, key="id")


def made_by() -> Iterator[str]:
    """Every statement that loading runs."""
    yield from before()
    for table in tables():
        yield table.created
        yield from table.finished
    yield from map(index, INDEXES)
    yield from after()


def before() -> Iterator[str]:
    yield EXTENSION
    for name, values in ENUMS.items():
        yield f"create type a_{name} as enum ({', '.join(map(repr, values))})"
    yield "create table events (contact integer, moment bigint)"


def index(columns: str) -> str:
    return f"create index on {columns}"


def after() -> Iterator[str]:
    yield "create view emails as select email, id from contacts"
    yield "vacuum (analyze)"


def load(files: Files, connect: Connect) -> None:
    """Into an empty database."""
    one_by_one(connect, before())
    at_once(connect, [table_work(table, files) for table in tables()])
    at_once(connect, [statement_work(index(each)) for each in INDEXES])
    one_by_one(connect, after())


def one_by_one(connect: Connect, statements: Iterator[str]) -> None:
    with connect() as connection:
        for statement in statements:
            connection.execute(statement)


def at_once(connect: Connect, works: Sequence[Work]) -> None:
    def done(work: Work) -> None:
        with connect() as connection:
            work(connection)

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        list(pool.map(done, works))


def statement_work(statement: str) -> Work:
    return lambda connection: connection.execute(statement)


def table_work(table: Table, files: Files) -> Work:
    """`freeze`: what nobody else has seen yet needs no other look by vacuum."""

    def work(connection: Any) -> None:
        with connection.transaction(), connection.cursor() as cursor:
            cursor.execute(table.created)
            with cursor.copy(f"copy {table.name} from stdin (format csv, freeze)") as copy:
                for rows in table.rows(files):
                    copy.write(csv(rows))
            for statement in table.finished:
                cursor.execute(statement)

    return work


def csv(rows: pa.Table) -> bytes:
    buffer = BytesIO()
    pa.csv.write_csv(rows, buffer, pa.csv.WriteOptions(include_header=False))
    return buffer.getvalue()


# --- columns -----------------------------------------------------------------------------------------------


def field_types(fields: Mapping[str, Any]) -> dict[str, str]:
    """Of all fields that have a column: interests have a table."""
    return {name: column_type(name, field) for name, field in fields.items() if field["type"] != "tags"}


def column_type(name: str, field: Mapping[str, Any]) -> str:
    if name in ENUMS:
        return f"a_{name}"
    return f"numeric(18, {field['decimals']})" if field.get("decimals") else TYPES[field["type"]]


def columns(types: Mapping[str, str]) -> str:
    return ", ".join(f"{name} {type}" for name, type in types.items())


# --- rows as they are copied -------------------------------------------------------------------------------


def batches(path: Path) -> Iterator[pa.Table]:
    for batch in pa.parquet.ParquetFile(path).iter_batches():
        yield pa.table(batch)


def number(ids: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.utf8_slice_codeunits(ids, 1).cast(pa.int32())


def entities(batch: pa.Table, ids: Sequence[str], fields: Sequence[str]) -> pa.Table:
    """Contacts or companies: its own id first, the link to the company last."""
    numbers = {name: number(batch[name]) for name in ids}
    own, *links = ids
    return pa.table({own: numbers[own], **{name: batch[name] for name in fields}, **{x: numbers[x] for x in links}})


def interests(batch: pa.Table) -> pa.Table:
    tags = batch["interests"].combine_chunks()
    owners = number(batch["id"]).combine_chunks().take(pc.list_parent_indices(tags))
    return pa.table({"interest": pc.list_flatten(tags), "contact": owners})


def events(batch: pa.Table, properties: list[str]) -> pa.Table:
    columns = [number(batch["contact"]), batch["at"].cast(pa.int64()), *(batch[name] for name in properties)]
    return pa.table(columns, names=["contact", "moment", *properties])


INTERESTS = Table(
    "interests",
    {"interest": "text", "contact": "integer"},
    lambda files: (interests(batch) for batch in batches(files.contacts)),
)
