"""ClickHouse in process (chdb), in its best layout: MergeTree tables in the order they are asked by, texts that repeat
as dictionaries."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from importlib import import_module
from pathlib import Path
from typing import Any

from bench.generate import SCHEMA, Files
from bench.peers import TABLES, Absent, Failed, TooLong
from bench.workload import Ask, Dialect, Query

REPEATED = {"country", "city", "language", "sector", "campaign", "url", "product", "category"}
"""Columns of texts with at most some thousands of different values."""
READY = "tamis-race-ready"


class ClickHouse:
    def __init__(self, version: str, connection: Any) -> None:
        self._connection = connection
        self.version = version

    @classmethod
    def open(cls, files: Files, folder: Path) -> ClickHouse:
        """Loaded unless it is there already. Raises Absent."""
        try:
            chdb = import_module("chdb")
        except ImportError:
            raise Absent("chdb is not installed: pip install 'tamis[bench]'") from None
        database = folder / "clickhouse"
        if not (database / READY).exists():
            shutil.rmtree(database, ignore_errors=True)
        peer = cls(str(chdb.__version__), chdb.connect(str(database)))
        if not (database / READY).exists():
            for statement in statements(files):
                peer.ask(statement)
            (database / READY).touch()
        return peer

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
    return f"file('{path.resolve()}', Parquet)"


def created(table: str, order: str, select: str) -> str:
    return f"create table {table} engine = MergeTree order by {order} as {select}"


def number(id: str) -> str:
    return f"toUInt32(substring(assumeNotNull({id}), 2))"


def columns(names: Iterable[str]) -> str:
    return ", ".join(f"toLowCardinality({name}) as {name}" if name in REPEATED else name for name in names)
