"""DuckDB in process, in its best layout: integer ids, sorted by them, and events ordered by time; texts that repeat as
enumerations, numbers as small as they are. It uses both cores."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from threading import Event, Thread
from time import monotonic

import duckdb

from bench.generate import Files
from bench.peers import TABLES, Failed, Open, TooLong
from bench.peers.kept import kept
from bench.workload import Ask, Dialect, Query

DATABASE = "duckdb"
CONFIG: dict[str, str | bool | int | float | list[str]] = {"memory_limit": "6GB"}
"""It takes 80 % of the machine otherwise, which it shares with Tamis."""
ENUMS = {
    "country": ("contacts", "companies"),
    "city": ("contacts",),
    "language": ("contacts",),
    "sector": ("companies",),
    "campaign": ("send", "open", "click"),
    "url": ("click", "visit"),
    "product": ("purchase",),
    "category": ("purchase",),
}
"""Columns of texts with at most some thousands of different values, and what has them."""


def load(files: Files, place: Path) -> None:
    with duckdb.connect(str(place / DATABASE), config=CONFIG) as connection:
        for statement in statements(files):
            connection.execute(statement)


def statements(files: Files) -> Iterator[str]:
    for column, tables in ENUMS.items():
        values = " union ".join(f"select {column} as each from {source(files, table)}" for table in tables)
        yield f"create type a_{column} as enum (select each from ({values}) where each is not null order by each)"
    number = "cast(substr(id, 2) as uinteger) as id"
    people = f"(select * replace ({number}) from {source(files, 'contacts')})"
    company = "cast(substr(company, 2) as uinteger) as company"
    smaller = f"{enums('contacts')}, cast(age as usmallint) as age, cast(points as uinteger) as points, {company}"
    yield f"create table emails as select email, id from {people} where email is not null order by email"
    yield f"create table contacts as select * exclude (interests) replace ({smaller}) from {people} order by id"
    yield "create type a_interest as enum (select distinct interest from " + interests(people) + " order by interest)"
    tag = "cast(interest as a_interest) as interest"
    yield f"create table interests as select {tag}, contact from {interests(people)} order by all"
    firms = f"{number}, {enums('companies')}, cast(size as uinteger) as size"
    yield f"create table companies as select * replace ({firms}) from {source(files, 'companies')} order by id"
    for type, table in TABLES.items():
        who = 'cast(substr(contact, 2) as uinteger) as contact, epoch_ms("at") as moment'
        rest = f'* exclude (contact, "at") replace ({enums(type)})'
        yield f"create table {table} as select {who}, {rest} from {source(files, type)} order by moment"
    together = " union all ".join(f"select contact, moment from {table}" for table in TABLES.values())
    yield f"create table events as select * from ({together}) order by moment"


def source(files: Files, table: str) -> str:
    return f"'{files.of(table)}'"


def interests(people: str) -> str:
    return f"(select unnest(interests) as interest, id as contact from {people})"


def enums(table: str) -> str:
    """The texts of a table as its types of them."""
    return ", ".join(f"cast({column} as a_{column}) as {column}" for column, tables in ENUMS.items() if table in tables)


class DuckDB:
    def __init__(self, connection: duckdb.DuckDBPyConnection, loading_seconds: float) -> None:
        self._connection = connection
        self.loading_seconds = loading_seconds
        self._asked_at: float | None = None
        self._closed = Event()

    @classmethod
    def open(cls, files: Files, folder: Path) -> DuckDB:
        made_by = statements(Files(Path()))
        found = kept(folder, "duckdb", made_by, lambda place: load(files, place))
        return cls(duckdb.connect(str(found.place / DATABASE), read_only=True, config=CONFIG), found.loading_seconds)

    @property
    def version(self) -> str:
        return str(duckdb.__version__)

    def knows(self, query: Query) -> bool:
        return True

    def limit(self, seconds: float) -> None:
        Thread(target=self._interrupt, args=(seconds,), daemon=True).start()

    def _interrupt(self, seconds: float) -> None:
        """DuckDB has no limit of its own: what takes too long is interrupted by this thread, which rarely looks."""
        while not self._closed.wait(seconds / 10):
            asked_at = self._asked_at
            if asked_at is not None and monotonic() - asked_at > seconds:
                self._connection.interrupt()

    def count(self, ask: Ask) -> int:
        self._asked_at = monotonic()
        try:
            return self.number(ask.sql(Dialect.DUCKDB))
        except duckdb.InterruptException as error:
            raise TooLong(str(error)) from None
        except duckdb.Error as error:
            raise Failed(str(error)) from None
        finally:
            self._asked_at = None

    def number(self, sql: str) -> int:
        row = self._connection.execute(sql).fetchone()
        assert row is not None
        return int(row[0])

    def close(self) -> None:
        self._closed.set()
        self._connection.close()


start: Open = DuckDB.open
