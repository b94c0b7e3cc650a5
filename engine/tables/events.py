"""The events of one type: sealed parts, then a tail."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from engine.bitmaps import Mask, Rows, from_mask, from_rows, to_array
from engine.reading import Column, EventPart
from engine.tables.buffers import Buffer
from engine.tables.tails import TailColumn, tail_column


class EventTail:
    """Events in order of acceptance, growing under a single writer."""

    __slots__ = ("at", "columns", "contacts", "ids", "order", "size")

    def __init__(self) -> None:
        self.contacts = Buffer(np.uint32)
        self.at = Buffer(np.int64)
        self.order = Buffer(np.int64)
        self.columns: dict[str, TailColumn] = {}
        self.ids: set[str] = set()
        self.size = 0

    def append(self, contacts: Sequence[int], at: Sequence[int], order: int, columns: Mapping[str, Any]) -> None:
        """Add events accepted in this order; `columns` holds a known tail column for each name."""
        start, count = self.size, len(contacts)
        self.contacts.put(start, contacts)
        self.at.put(start, at)
        self.order.put(start, np.arange(order, order + count))
        for name, values in columns.items():
            self.columns[name].put(start, values)
        self.size = start + count


class TailPart:
    """The first `size` events of a tail: scanned."""

    __slots__ = ("_fields", "_tail", "size")

    def __init__(self, tail: EventTail, size: int, fields: Mapping[str, Field]) -> None:
        self._tail = tail
        self.size = size
        self._fields = fields

    @property
    def contacts(self) -> Rows:
        return self._tail.contacts.array[: self.size]

    @property
    def at(self) -> NDArray[np.int64]:
        return self._tail.at.array[: self.size]

    @property
    def order(self) -> NDArray[np.int64]:
        return self._tail.order.array[: self.size]

    def _between(self, start: int | None, end: int | None) -> Mask:
        at = self.at
        mask = np.ones(self.size, np.bool_) if start is None else at >= start
        return mask if end is None else mask & (at < end)

    def rows_between(self, start: int | None, end: int | None) -> BitMap | range:
        if start is None and end is None:
            return range(self.size)
        return from_mask(self._between(start, end))

    def contacts_between(self, start: int | None, end: int | None) -> BitMap:
        return from_rows(self.contacts[self._between(start, end)])

    def estimate_between(self, start: int | None, end: int | None) -> int:
        return int(np.count_nonzero(self._between(start, end)))

    def rows_of(self, contacts: BitMap) -> Rows:
        mine = self.contacts
        asked = to_array(contacts)
        rows = np.flatnonzero(mine == asked[0] if len(asked) == 1 else np.isin(mine, asked))
        return rows[np.lexsort((rows, self.at[rows], mine[rows]))].astype(np.uint32)

    def column(self, name: str) -> Column | None:
        tail = self._tail.columns.get(name)
        if tail is None or not self.size:
            return None
        return tail.view(self._fields[name], self.size)


class EventsVersion:
    """The events of one type as one version sees them."""

    __slots__ = ("parts", "size")

    def __init__(self, parts: Sequence[EventPart]) -> None:
        self.parts = parts
        self.size = sum(part.size for part in parts)


class EventTable:
    """The writer's side of the events of one type. `fields` includes the system fields."""

    __slots__ = ("fields", "tail")

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self.tail = EventTail()

    def declare(self, fields: Mapping[str, Field]) -> None:
        """Take the properties of a new schema; columns whose type changed (they hold nothing) begin anew."""
        for name in list(self.tail.columns):
            before, now = self.fields[name], fields.get(name)
            if now is None or (now.type, now.decimals) != (before.type, before.decimals):
                del self.tail.columns[name]
        self.fields = fields

    def fresh(self, ids: Sequence[str | None]) -> list[int]:
        """Positions of events that are not duplicates: without an id, or with one not seen before."""
        kept = []
        known = self.tail.ids
        for position, id in enumerate(ids):
            if id is not None:
                if id in known:
                    continue
                known.add(id)
            kept.append(position)
        return kept

    def append(self, contacts: Sequence[int], at: Sequence[int], order: int, columns: Mapping[str, Any]) -> None:
        for name in columns:
            if name not in self.tail.columns:
                self.tail.columns[name] = tail_column(self.fields[name].type)
        self.tail.append(contacts, at, order, columns)

    def publish(self) -> EventsVersion:
        return EventsVersion((TailPart(self.tail, self.tail.size, self.fields),) if self.tail.size else ())
