"""What first questions would have to make: orders of events, tallies, sums, texts by their ends, and so on.

Much of what answers are found in is made of the blocks when it is first needed, and kept. What is likely to be needed
shows in the saved segments and in the schema: counting that beforehand makes it.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator
from pathlib import Path

from dsl.lexing import name_written
from dsl.schema import Schema, Type
from engine.snapshot import Snapshot
from engine.tables.parts import SealedPart

DEFAULT_BYTES = 1 << 30
"""So much memory may be taken for it."""

STATM = Path("/proc/self/statm")
"""Where Linux tells of memory, in pages."""

LATELY = "in last 30 days"

RENEWED = 10
"""It is worth making again once one row in so many lies in columns or parts that were not there."""


class Ground:
    """What the answers of one workspace are made of, as it was last looked at."""

    def __init__(self) -> None:
        self._pieces: dict[int, tuple[object, int]] = {}
        self._fresh = 0

    def renewed(self, snapshot: Snapshot) -> bool:
        """Whether much of it came since this was last true: by an import, a merge, or another beginning."""
        # What is gone is held until here, so that nothing new can have its identity.
        pieces = {id(piece): (piece, rows) for piece, rows in _pieces(snapshot)}
        self._fresh += sum(rows for key, (_, rows) in pieces.items() if key not in self._pieces)
        self._pieces = pieces
        if not self._fresh or self._fresh * RENEWED < sum(rows for _, rows in pieces.values()):
            return False
        self._fresh = 0
        return True


def _pieces(snapshot: Snapshot) -> Iterator[tuple[object, int]]:
    """Sealed columns and parts, and how many rows each has."""
    data = snapshot.data
    for table in (data.contacts, data.companies):
        for column in table.columns.values():
            if column.base is not None:
                yield column.base, table.size
    for events in data.types.values():
        for part in events.parts:
            if isinstance(part, SealedPart):
                yield part, part.size


def suggested(snapshot: Snapshot) -> list[str]:
    """Expressions that need what others will: the segments, then what is asked of contacts, companies and events."""
    return [
        *(f'in segment "{segment.key}"' for segment in snapshot.segments),
        *_of_contacts(snapshot.schema),
        *_of_companies(snapshot.schema),
        *_of_events(snapshot.schema),
    ]


def _of_contacts(schema: Schema) -> Iterator[str]:
    yield 'id = "1"'
    for field in schema.contacts.values():
        name = name_written(field.name)
        match field.type:
            case Type.TEXT:
                yield f'{name} ends with "a"'
            case Type.DATE | Type.DATETIME:
                yield f"month of {name} = 1"
            case Type.NUMBER | Type.FLOAT:
                yield f"{name} is set bottom 1 by {name}"
            case Type.CHOICE | Type.BOOLEAN | Type.TAGS:
                pass
            case _:
                raise TypeError(f"a field cannot be of the type {field.type}")


def _of_companies(schema: Schema) -> Iterator[str]:
    yield 'company = "1"'
    for name in schema.companies:
        yield f"company.{name_written(name)} is not set"


def _of_events(schema: Schema) -> Iterator[str]:
    if schema.events:
        yield f"did any event {LATELY}"
    for event in map(name_written, schema.events):
        yield f"did {event} {LATELY}"
        yield f"did {event} at least 2 times {LATELY}"
        yield f"first({event}) {LATELY}"
        yield f"company is set and did {event} {LATELY}"
    for name in _properties(schema, Type.NUMBER, Type.FLOAT):
        for measure in ("sum", "avg", "min", "max"):
            yield f"{measure}({name} {LATELY}) > 1"
    # These take the most.
    for name in _properties(schema, Type.TEXT, Type.CHOICE):
        yield f"last({name}) is set"
        yield f"distinct({name} {LATELY}) >= 2"


def _properties(schema: Schema, *types: Type) -> Iterator[str]:
    for event, properties in schema.events.items():
        for field in properties.values():
            if field.type in types:
                yield f"{name_written(field.name)} of {name_written(event)}"


def resident() -> int:
    """The bytes of memory that this process has, pages of mapped files among them; where only the most it has ever had
    is told, that."""
    if STATM.exists():
        return int(STATM.read_text().split()[1]) * resource.getpagesize()
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
