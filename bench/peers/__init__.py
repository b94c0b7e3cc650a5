"""Who takes part in the race. Each counts what is asked, from one thread of ours, and answers from no cache.

The tables of the SQL peers, each in the peer's best layout: `contacts` and `companies` with integer ids, the former
with their `company`; `emails` of (email, id), ordered; `interests` of (interest, contact); one table for each type of
event ordered by time, with integer contacts and milliseconds; and `events` with all of them without their properties.
"""

from __future__ import annotations

from collections.abc import Callable
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


class Peer(Protocol):
    @property
    def version(self) -> str: ...

    def knows(self, query: Query) -> bool:
        """Whether it can be asked at all."""

    def limit(self, seconds: float) -> None:
        """From now on a count may take so long, about."""

    def count(self, ask: Ask) -> int:
        """Raises TooLong, Failed."""

    def close(self) -> None: ...


Open = Callable[[Files, Path], Peer]
"""Load the files under a folder, unless an earlier run has, and be ready to count. Raises Absent."""

TABLES = {"send": "sends", "open": "opens", "click": "clicks", "visit": "visits", "purchase": "purchases"}
"""The table of each event type."""
