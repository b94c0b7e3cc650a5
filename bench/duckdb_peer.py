"""DuckDB in process, in its best layout: integer ids, sorted by them, and one table of events ordered by time."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import duckdb

from bench.generate import SHARES, Files
from bench.questions import questions
from bench.timing import timed, times_of


def load(files: Files, database: Path) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(str(database))
    connection.execute(
        f"create table contacts as select * exclude (id), cast(substr(id, 2) as integer) as id"
        f" from '{files.contacts}' order by id"
    )
    events = " union all ".join(
        f"select cast(substr(contact, 2) as integer) as contact, epoch_ms(\"at\") as moment from '{files.events(type)}'"
        for type in SHARES
    )
    connection.execute(f"create table events as select * from ({events}) order by moment")
    return connection


def measure(files: Files, database: Path, runs: int) -> dict[str, Any]:
    """The same questions as in process, so that answers can be compared."""
    load_seconds, connection = timed(partial(load, files, database))

    def count(sql: str) -> int:
        row = connection.execute(sql).fetchone()
        assert row is not None
        return int(row[0])

    asked = list(questions(runs + 20))
    answers = [count(question.sql) for question in asked[:50]]
    times = times_of(partial(count, question.sql) for question in asked[20:])
    connection.close()
    return {"load_seconds": load_seconds, "question": asdict(times), "answers": answers}
