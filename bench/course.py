"""What a run measures, on what, and for how long: told once, and read by the process of each mode."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from bench.constants import Data
from bench.generate import Files, Size
from bench.workload import Ask, Query, queries

Result = dict[str, Any]
"""What JSON can hold."""
COMPARED = 5
"""Constants of each query over which answers are compared."""
FIRST = 20
"""Constants of each query that Tamis is asked before any query is timed, so that what it makes of its data when it is
first needed, and keeps, is there: no answers, but orders, counts and distances, which a server makes by itself while it
has nothing else to do. The slowest of them is told."""


@dataclass(frozen=True, slots=True)
class Course:
    """`seconds` for each query and each contender, `load_seconds` for each load on a server; no peer's count may take
    more than `most_seconds`. Loaded data lie in `work`; `peers` race, and queries of `families`, all when empty."""

    size: Size
    files: Files
    work: Path
    peers: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    seconds: float = 1.0
    load_seconds: float = 10.0
    most_seconds: float = 30.0

    @property
    def queries(self) -> list[Query]:
        return [query for query in queries() if not self.families or query.family in self.families]

    @property
    def folder(self) -> Path:
        """Where the contenders keep their data of these files."""
        kept = self.work / self.files.folder.name
        kept.mkdir(parents=True, exist_ok=True)
        return kept

    def write(self, path: Path) -> None:
        told = asdict(self) | {"size": self.size.name, "files": str(self.files.folder), "work": str(self.work)}
        path.write_text(json.dumps(told))

    @classmethod
    def read(cls, path: Path) -> Course:
        told = json.loads(path.read_text())
        size, files, work = Size[told.pop("size")], Files(Path(told.pop("files"))), Path(told.pop("work"))
        peers, families = tuple(told.pop("peers")), tuple(told.pop("families"))
        return cls(size, files, work, peers, families, **told)


def first_asked(query: Query, data: Data) -> Iterator[Ask]:
    """With constants that are neither compared nor timed."""
    return islice(query.asks(data), COMPARED, COMPARED + FIRST)


def timed_asked(query: Query, data: Data) -> Iterator[Ask]:
    """With the same constants for every contender, none of which was asked before."""
    return islice(query.asks(data), COMPARED + FIRST, None)
