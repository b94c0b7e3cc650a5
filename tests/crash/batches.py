"""Batches that show when half of one is missing: each has `SIZE` rows, all marked with its writer and number."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from engine.results import Ack
from engine.workspace import Workspace
from formats.batch import Batch, Kind

SIZE = 25
WRITERS = 4
SCHEMA = {
    "contacts": {"batch": {"type": "text"}, "score": {"type": "number", "decimals": 0}},
    "events": {"mark": {"batch": {"type": "text"}}},
}


@dataclass(frozen=True)
class Marked:
    """The `number`-th batch of a writer. Most are events; some are contacts, and a few are bulk imports."""

    writer: int
    number: int

    @property
    def name(self) -> str:
        return f"{self.writer}-{self.number}"

    @property
    def holds_contacts(self) -> bool:
        return self.number % 3 == 1

    @property
    def is_bulk(self) -> bool:
        return self.number % 25 in (7, 8)

    def write(self, workspace: Workspace) -> Ack:
        """Returns once acknowledged."""
        match self.holds_contacts, self.is_bulk:
            case True, False:
                return workspace.upsert_contacts(self.contact_rows()).result()
            case False, False:
                return workspace.add_events(self.event_rows()).result()
            case True, True:
                return workspace.bulk_contacts([self.batch(Kind.CONTACTS)])
            case _:
                return workspace.bulk_events([self.batch(Kind.EVENTS)])

    def contact_rows(self) -> list[dict[str, object]]:
        return [{"id": f"{self.name}-{row}", "batch": self.name, "score": row} for row in range(SIZE)]

    def event_rows(self) -> list[dict[str, object]]:
        """Events of contacts that many batches share, and of some that they create."""
        return [{"contact": f"c{self.number * row % 500}", "type": "mark", "batch": self.name} for row in range(SIZE)]

    def batch(self, kind: Kind) -> Batch:
        marks = {"batch": pa.array([self.name] * SIZE)}
        if kind is Kind.CONTACTS:
            return Batch(kind, pa.array([f"{self.name}-{row}" for row in range(SIZE)]), columns=marks)
        keys = pa.array([f"c{self.number * row % 500}" for row in range(SIZE)])
        return Batch(kind, keys, "mark", at=np.full(SIZE, 1_000_000 + self.number), columns=marks)


def found(workspace: Workspace) -> Counter[str]:
    """How many rows of each batch there are, contacts and events alike, read straight from the newest version."""
    data = workspace.snapshot.data
    rows: Counter[str] = Counter()
    contacts = data.contacts.column("batch")
    if contacts is not None:
        alive = np.array(data.contacts.alive, np.uint32)
        rows.update(str(value) for value in contacts.values(alive) if value is not None)
    events = data.events("mark")
    for part in events.parts if events is not None else ():
        column = part.column("batch")
        if column is not None:
            rows.update(str(value) for value in column.values(np.arange(part.size, dtype=np.uint32)))
    return rows
