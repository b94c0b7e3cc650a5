"""PostgreSQL, started for the race in a temporary directory: rows in the order of time, an index for every question.

`events` is what the tables of the event types inherit from, so that they need not be there twice.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from io import BytesIO
from pathlib import Path
from time import monotonic, sleep
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from bench import words
from bench.generate import SCHEMA, Files
from bench.peers import TABLES, Absent, Failed, TooLong
from bench.workload import Ask, Dialect, Query

OTHER_USER = "postgres"
"""Who runs the server when we are root, which it refuses to be run by."""
PATIENCE = 60.0
"""Seconds in which the server must answer."""
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "6GB",
    "effective_cache_size": "16GB",
    "work_mem": "512MB",
    "maintenance_work_mem": "2GB",
    "max_parallel_workers_per_gather": "2",
    "max_parallel_maintenance_workers": "2",
    "random_page_cost": "1.1",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "autovacuum": "off",
    "fsync": "off",
    "jit": "off",
}
"""For a machine of 24 GB, data that fit into memory and that nobody would miss. Compiling costs more than these
questions take."""
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


class Postgres:
    def __init__(self, server: subprocess.Popen[bytes], folder: Path, connection: Any) -> None:
        self._server, self._folder, self._connection = server, folder, connection
        self.version = str(self.value("show server_version"))

    @classmethod
    def open(cls, files: Files, folder: Path) -> Postgres:
        """Started and loaded anew, in a directory that `close` removes. Raises Absent."""
        programs, psycopg = binaries(), driver()
        home = Path(tempfile.mkdtemp(prefix="tamis-pg-"))
        try:
            server = started(programs, home)
            peer = cls(server, home, connected(psycopg, server, home))
        except BaseException:
            shutil.rmtree(home)
            raise
        try:
            peer.load(files)
        except BaseException:
            peer.close()
            raise
        return peer

    def knows(self, query: Query) -> bool:
        return True

    def limit(self, seconds: float) -> None:
        self._connection.execute(f"set statement_timeout = {round(seconds * 1000)}")

    def count(self, ask: Ask) -> int:
        errors = driver().errors
        try:
            return int(self.value(ask.sql(Dialect.POSTGRES)))
        except errors.QueryCanceled as error:
            raise TooLong(str(error)) from None
        except errors.Error as error:
            raise Failed(str(error)) from None

    def value(self, sql: str) -> Any:
        return self._connection.execute(sql).fetchone()[0]

    def close(self) -> None:
        self._connection.close()
        self._server.send_signal(signal.SIGINT)
        self._server.wait(PATIENCE)
        shutil.rmtree(self._folder)

    # --- loading -----------------------------------------------------------------------------------------

    def load(self, files: Files) -> None:
        run = self._connection.execute
        run("create extension pg_trgm")
        for name, values in ENUMS.items():
            run(f"create type a_{name} as enum ({', '.join(map(repr, values))})")
        for table, link in (("companies", {}), ("contacts", {"company": "integer"})):
            fields = {name: column_type(name, each) for name, each in SCHEMA[table].items() if name != "interests"}
            run(f"create unlogged table {table} (id integer primary key, {columns(fields | link)})")
            self.copy(table, (entities(batch, ("id", *link), list(fields)) for batch in batches(files.of(table))))
        run("create view emails as select email, id from contacts")
        run("create unlogged table interests (interest text, contact integer)")
        self.copy("interests", (interests(batch) for batch in batches(files.contacts)))
        run("create unlogged table events (contact integer, moment bigint)")
        for type, table in TABLES.items():
            fields = {name: column_type(name, each) for name, each in SCHEMA["events"][type].items()}
            run(f"create unlogged table {table} ({columns(fields)}) inherits (events)")
            self.copy(table, (events(batch, list(fields)) for batch in batches(files.events(type))))
        for index in INDEXES:
            run(f"create index on {index}")
        run("vacuum analyze")

    def copy(self, table: str, rows: Iterator[pa.Table]) -> None:
        with self._connection.cursor() as cursor, cursor.copy(f"copy {table} from stdin (format csv)") as copy:
            for each in rows:
                buffer = BytesIO()
                pa.csv.write_csv(each, buffer, pa.csv.WriteOptions(include_header=False))
                copy.write(buffer.getvalue())


# --- the server --------------------------------------------------------------------------------------------


def driver() -> Any:
    try:
        return import_module("psycopg")
    except ImportError:
        raise Absent("psycopg is not installed: pip install 'tamis[bench]'") from None


def binaries() -> Path:
    """The folder of `initdb` and `postgres`, of the newest version here. Raises Absent."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    on_path = shutil.which("initdb")
    if found:
        return found[-1].parent
    if on_path is not None:
        return Path(on_path).resolve().parent
    raise Absent("no PostgreSQL is installed: neither /usr/lib/postgresql/*/bin nor PATH has initdb")


def started(programs: Path, home: Path) -> subprocess.Popen[bytes]:
    """A server over a new cluster in `home`, reached by a socket there. Raises Absent."""
    other = other_user(home)
    data = home / "data"
    initialise = [str(programs / "initdb"), "-D", str(data), "-U", "race", "-A", "trust", "-E", "UTF8", "--locale=C"]
    subprocess.run(initialise, stdout=subprocess.DEVNULL, cwd=home, check=True, **other)
    settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(home), *settings]
    with (home / "log").open("wb") as log:
        return subprocess.Popen(command, stderr=log, stdout=log, cwd=home, **other)


def other_user(home: Path) -> dict[str, Any]:
    """How to start a process that may own `home` and is not root's. Raises Absent."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam(OTHER_USER)
    except KeyError:
        raise Absent(f"PostgreSQL refuses to be run by root, and there is no user {OTHER_USER}") from None
    os.chown(home, entry.pw_uid, entry.pw_gid)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def connected(psycopg: Any, server: subprocess.Popen[bytes], home: Path) -> Any:
    deadline = monotonic() + PATIENCE
    while True:
        try:
            return psycopg.connect(host=str(home), user="race", dbname="postgres", autocommit=True)
        except psycopg.OperationalError as error:
            if server.poll() is not None or monotonic() > deadline:
                server.kill()
                raise Absent(f"PostgreSQL did not start: {(home / 'log').read_text()[-300:]} {error}") from None
            sleep(0.05)


# --- tables --------------------------------------------------------------------------------------------------


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
