"""ClickHouse in process (chdb), in its best layout: MergeTree tables in the order they are asked by, texts that repeat
as dictionaries."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.generate import SCHEMA, Files
from bench.peers import TABLES, Absent, Failed, Open, TooLong
from bench.peers.kept import kept
from bench.workload import Ask, Dialect, Query

REPEATED = {"country", "city", "language", "sector", "campaign", "url", "product", "category"}
"""Columns of texts with at most some thousands of different values."""
DATABASE = "clickhouse"
MEMORY = 6_000_000_000
"""Bytes that a question may take: the machine is shared with Tamis and the other peers."""


class ClickHouse:
    def __init__(self, version: str, connection: Any, loading_seconds: float) -> None:
        self._connection = connection
        self.version = version
        self.loading_seconds = loading_seconds
        self.ask(f"set max_memory_usage = {MEMORY}")

    @classmethod
    def open(cls, files: Files, folder: Path) -> ClickHouse:
        """Raises Absent."""
        try:
            chdb = import_module("chdb")
        except ImportError:
            raise Absent("chdb is not installed: pip install 'tamis[bench]'") from None
        made_by = (*statements(Files(Path())), str(chdb.__version__))
        found = kept(folder, "chdb", made_by, lambda place: load(chdb, files, place))
        return cls(str(chdb.__version__), chdb.connect(str(found.place / DATABASE)), found.loading_seconds)

    def knows(self, query: Query) -> bool:
        return True

    def limit(self, seconds: float) -> None:
        self.ask(f"set max_execution_time = {seconds}")

    def count(self, ask: Ask) -> int:
        try:
            return int(self.ask(ask.sql(Dialect.CLICKHOUSE)))
        except RuntimeError as error:
            raise (TooLong if "TIMEOUT_EXCEEDED" in str(error) else Failed)(str(error)) from None

    def ask(self, sql: str) -> str:
        return str(self._connection.query(sql, "TSV"))

    def close(self) -> None:
        self._connection.close()


def load(chdb: Any, files: Files, place: Path) -> None:
    connection = chdb.connect(str(place / DATABASE))
    for statement in statements(Files(files.folder.resolve())):
        connection.query(statement)
    connection.close()


def statements(files: Files) -> list[str]:
    people = source(files.contacts)
    fields = columns(name for name in SCHEMA["contacts"] if name != "interests")
    company = f"if(company is null, null, {number('company')}) as company"
    tags = "toLowCardinality(assumeNotNull(arrayJoin(interests))) as interest"
    firms = columns(SCHEMA["companies"])
    together = " union all ".join(f"select contact, moment from {table}" for table in TABLES.values())
    return [
        created("contacts", "id", f"select {number('id')} as id, {fields}, {company} from {people}"),
        created(
            "emails",
            "email",
            f"select assumeNotNull(email) as email, {number('id')} as id from {people} where email is not null",
        ),
        created("interests", "(interest, contact)", f"select {tags}, {number('id')} as contact from {people}"),
        created("companies", "id", f"select {number('id')} as id, {firms} from {source(files.companies)}"),
        *(created(table, "moment", events(files, type)) for type, table in TABLES.items()),
        created("events", "moment", together),
    ]


def events(files: Files, type: str) -> str:
    moment = "toUnixTimestamp64Milli(assumeNotNull(at)) as moment"
    properties = columns(SCHEMA["events"][type])
    return f"select {number('contact')} as contact, {moment}, {properties} from {source(files.events(type))}"


def source(path: Path) -> str:
    return f"file('{path}', Parquet)"


def created(table: str, order: str, select: str) -> str:
    return f"create table {table} engine = MergeTree order by {order} as {select}"


def number(id: str) -> str:
    return f"toUInt32(substring(assumeNotNull({id}), 2))"


def columns(names: Iterable[str]) -> str:
    return ", ".join(f"toLowCardinality({name}) as {name}" if name in REPEATED else name for name in names)


start: Open = ClickHouse.open
