"""DuckDB in process, in its best layout: integer ids, sorted by them, and events ordered by time."""

from __future__ import annotations

from pathlib import Path
from threading import Event, Thread
from time import monotonic

import duckdb

from bench.generate import Files
from bench.peers import TABLES, Failed, TooLong
from bench.workload import Ask, Dialect, Query


def connect(files: Files, database: Path) -> duckdb.DuckDBPyConnection:
    """The database of these files, loaded unless it is there already."""
    if database.exists():
        return duckdb.connect(str(database))
    unfinished = database.with_suffix(".loading")
    unfinished.unlink(missing_ok=True)
    with duckdb.connect(str(unfinished)) as connection:
        for statement in statements(files):
            connection.execute(statement)
    unfinished.rename(database)
    return duckdb.connect(str(database))


def statements(files: Files) -> list[str]:
    people = f"(select *, cast(substr(id, 2) as integer) as number from '{files.contacts}')"
    each = [
        f'create table {table} as select cast(substr(contact, 2) as integer) as contact, epoch_ms("at") as moment, '
        f"* exclude (contact, \"at\") from '{files.events(type)}' order by moment"
        for type, table in TABLES.items()
    ]
    together = " union all ".join(f"select contact, moment from {table}" for table in TABLES.values())
    return [
        f"create table contacts as select * exclude (id, number, interests), number as id from {people} order by id",
        f"create table interests as select unnest(interests) as interest, number as contact from {people} order by all",
        *each,
        f"create table events as select * from ({together}) order by moment",
    ]


class DuckDB:
    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._asked_at: float | None = None
        self._closed = Event()

    @classmethod
    def open(cls, files: Files, folder: Path) -> DuckDB:
        return cls(connect(files, folder / "peer.duckdb"))

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
