"""Who takes part in the race. Each counts what is asked, from one thread of ours, and answers from no cache; each is in
a process of its own (`apart.py`), and keeps what it has loaded for later runs (`kept.py`).

The tables of the SQL peers, each in the peer's best layout: `contacts` and `companies` with integer ids, the former
with their `company`; `emails` of (email, id), ordered; `interests` of (interest, contact); one table for each type of
event ordered by time, with integer contacts and milliseconds; and `events` with all of them without their properties.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol

from bench.generate import Files
from bench.workload import Ask, Query


class Absent(Exception):
    """A peer that is not installed here; the message says what is missing."""


class Failed(Exception):
    """A peer did not answer a question; the message is its own."""


class TooLong(Failed):
    """A count that took longer than it may."""


class Crashed(Failed):
    """The process of a peer ended while it was to answer."""


class Peer(Protocol):
    @property
    def version(self) -> str: ...

    @property
    def loading_seconds(self) -> float:
        """What loading took, in this run or an earlier one."""

    def knows(self, query: Query) -> bool:
        """Whether it can be asked at all."""

    def limit(self, seconds: float) -> None:
        """From now on a count may take so long, about."""

    def count(self, ask: Ask) -> int:
        """Raises TooLong, Failed."""

    def close(self) -> None: ...


Open = Callable[[Files, Path], Peer]
"""Load the files under a folder, unless an earlier run has, and be ready to count. Raises Absent."""

PEERS: Mapping[str, str] = {"duckdb": "duck", "chdb": "click", "postgres": "postgres", "floor": "floor"}
"""The module of each, which has `start`, by the name that `--peers` takes."""


def start_of(name: str) -> Open:
    """Imported when it is asked for: libraries of some peers do not get on with those of others. Raises Absent."""
    try:
        start: Open = import_module(f"bench.peers.{PEERS[name]}").start
    except ImportError as error:
        raise Absent(f"{error.name or error} is not installed: pip install 'tamis[bench]'") from None
    return start


TABLES = {"send": "sends", "open": "opens", "click": "clicks", "visit": "visits", "purchase": "purchases"}
"""The table of each event type."""
