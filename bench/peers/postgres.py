"""PostgreSQL, started for the race over a cluster that later runs find again, reached by a socket alone."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from time import monotonic, sleep
from typing import Any

from bench.generate import Files
from bench.peers import Absent, Failed, Open, TooLong
from bench.peers.kept import kept
from bench.peers.postgres_tables import Connect, load, made_by
from bench.workload import Ask, Dialect, Query

OTHER_USER = "postgres"
"""Who runs the server when we are root, which it refuses to be run by."""
PATIENCE = 60.0
"""Seconds in which the server must answer."""
LEAVING = 10.0
"""Seconds that are given to one that was killed."""
STOPPING = 600.0
"""Seconds in which it must end: what it has loaded goes to disk then."""
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "6GB",
    "effective_cache_size": "16GB",
    "work_mem": "512MB",
    "maintenance_work_mem": "2GB",
    "max_parallel_workers_per_gather": "2",
    "max_parallel_maintenance_workers": "1",
    "random_page_cost": "1.1",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_wal_size": "8GB",
    "autovacuum": "off",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "jit": "off",
}
"""For a machine of 24 GB, data that fit into memory and that nobody would miss. Compiling costs more than these
questions take."""


class Postgres:
    def __init__(self, connection: Any, loading_seconds: float, closing: ExitStack) -> None:
        self._connection, self._closing = connection, closing
        self.loading_seconds = loading_seconds
        self.version = str(self.value("show server_version"))

    @classmethod
    def open(cls, files: Files, folder: Path) -> Postgres:
        """Raises Absent."""
        driver()
        programs, folder = binaries(), folder.resolve()
        reachable(folder)
        found = kept(folder, "postgres", (version(programs), *made_by()), partial(loaded, programs, files))
        with ExitStack() as closing:
            connection = closing.enter_context(closing.enter_context(running(programs, found.place))())
            open_still = closing.pop_all()
        return cls(connection, found.loading_seconds, open_still)

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
        self._closing.close()


start: Open = Postgres.open


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


def version(programs: Path) -> str:
    told = subprocess.run([str(programs / "postgres"), "--version"], capture_output=True, text=True, check=True)
    return told.stdout.strip()


def loaded(programs: Path, files: Files, place: Path) -> None:
    """A new cluster in `place`, with the tables of the files."""
    user = owner(place)
    command = [str(programs / "initdb"), "-D", str(place / "data"), "-U", "race", "-A", "trust", "-E", "UTF8"]
    subprocess.run([*command, "--locale=C"], stdout=subprocess.DEVNULL, cwd=place, check=True, **user)
    with running(programs, place) as connect:
        load(files, connect)


@contextmanager
def running(programs: Path, place: Path) -> Iterator[Connect]:
    """A server over the cluster in `place`. Its socket is elsewhere, as its path must be short. Raises Absent."""
    wait_for_former(place / "data")
    with TemporaryDirectory(prefix="tamis-pg-") as home:
        settings = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
        command = [str(programs / "postgres"), "-D", str(place / "data"), "-k", home, *settings]
        log = Path(home) / "log"
        with log.open("wb") as told:
            server = subprocess.Popen(command, stderr=told, stdout=told, cwd=place, **owner(Path(home)))
        try:
            connect = partial(driver().connect, host=home, user="race", dbname="postgres", autocommit=True)
            wait_until_ready(server, connect, log)
            yield connect
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(STOPPING)


def wait_for_former(data: Path) -> None:
    """A server that was killed is gone in a moment; whoever else has its number by then does not matter to the next."""
    lock, deadline = data / "postmaster.pid", monotonic() + LEAVING
    while lock.exists() and monotonic() < deadline:
        if not Path("/proc", lock.read_text().split()[0]).exists():
            return
        sleep(0.05)


def wait_until_ready(server: subprocess.Popen[bytes], connect: Connect, log: Path) -> None:
    """Raises Absent."""
    deadline = monotonic() + PATIENCE
    while True:
        try:
            connect().close()
            return
        except driver().OperationalError as error:
            if server.poll() is not None or monotonic() > deadline:
                raise Absent(f"PostgreSQL did not start: {log.read_text()[-300:]} {error}") from None
            sleep(0.05)


# --- the user who runs it ----------------------------------------------------------------------------------


def other_user() -> pwd.struct_passwd | None:
    """Who runs the server, if not we. Raises Absent."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam(OTHER_USER)
    except KeyError:
        raise Absent(f"PostgreSQL refuses to be run by root, and there is no user {OTHER_USER}") from None


def owner(folder: Path) -> dict[str, Any]:
    """How to start a process that owns the folder, which is given to it, and is not root's. Raises Absent."""
    user = other_user()
    if user is None:
        return {}
    os.chown(folder, user.pw_uid, user.pw_gid)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def reachable(folder: Path) -> None:
    """Raises Absent where the user who runs the server cannot get to a folder."""
    if other_user() is None:
        return
    for each in (folder, *folder.parents):
        if not each.stat().st_mode & 0o001:
            raise Absent(f"the user {OTHER_USER}, who runs PostgreSQL, cannot get to {folder}: chmod o+x {each}")
