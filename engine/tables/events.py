"""The events of one type: sealed parts, then a tail."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from engine.bitmaps import Mask, Rows, from_mask, from_sorted, to_array
from engine.counting import Counts, add_each, add_each_capped
from engine.histories import Histories
from engine.reading import Column, EventPart, Kept
from engine.tables.amounts import Amounts
from engine.tables.buffers import Buffer
from engine.tables.by_text import ByText, told_apart
from engine.tables.loose import LooseText
from engine.tables.loose_events import LooseEvents, joined_events
from engine.tables.parts import NO_ROWS, SealedPart
from engine.tables.prints import NO_PRINTS, Halves, IdPrints, halves_of
from engine.tables.tails import TailColumn, tail_column

TAIL_LIMIT = 1 << 16
"""A tail of so many events is sealed."""
FAN = 4
LARGEST_MERGED = 1 << 22
"""A part of so many events is left as it is."""


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

    def loose(self, fields: Mapping[str, Field]) -> LooseEvents:
        """All events, in order of acceptance."""
        size = self.size
        columns = {name: column.view(fields[name], size) for name, column in self.columns.items()}
        return LooseEvents(self.contacts.first(size), self.at.first(size), self.order.first(size), columns)

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
    def people(self) -> Rows:
        return NO_ROWS

    @property
    def places(self) -> Rows:
        return NO_ROWS

    @property
    def at(self) -> NDArray[np.int64]:
        return self._tail.at.array[: self.size]

    def order_of(self, rows: Rows) -> NDArray[np.int64]:
        return self._tail.order.array[rows]

    def _between(self, start: int | None, end: int | None) -> Mask:
        at = self.at
        mask = np.ones(self.size, np.bool_) if start is None else at >= start
        return mask if end is None else mask & (at < end)

    def rows_between(self, start: int | None, end: int | None) -> BitMap | range:
        if start is None and end is None:
            return range(self.size)
        return from_mask(self._between(start, end))

    def cover(self, start: int | None, end: int | None) -> tuple[list[BitMap], Rows]:
        return [], self.contacts[self._between(start, end)]

    def estimate_between(self, start: int | None, end: int | None) -> int:
        return int(np.count_nonzero(self._between(start, end)))

    def unmade(self, kept: Kept, name: str = "") -> None:
        return None

    @property
    def most(self) -> int:
        return self.size

    @property
    def ordered(self) -> bool:
        return False

    @property
    def earliest(self) -> int:
        return int(self.at.min())

    @property
    def latest(self) -> int:
        return int(self.at.max())

    def tally(self, counts: Counts, start: int | None, end: int | None) -> None:
        add_each(counts, self.contacts[self._between(start, end)])

    def tally_few(self, asked: Rows, counts: Counts, start: int | None, end: int | None) -> None:
        found = self.contacts[self.rows_of_between(from_sorted(asked), start, end)]
        add_each(counts, np.searchsorted(asked, found).astype(np.uint32))

    def tally_people(self, counts: Counts, start: int | None, end: int | None) -> None:
        raise TypeError("the people of a tail are not at hand")

    def tally_capped(self, counts: NDArray[np.uint8], start: int | None, end: int | None) -> None:
        add_each_capped(counts, self.contacts[self._between(start, end)])

    def amounts(self, name: str) -> Amounts | None:
        return None

    def texts(self, name: str) -> Collection[str] | None:
        column = self.column(name)
        if column is None:
            return ()
        return set(column.dictionary.folded()) if isinstance(column, LooseText) and told_apart(column) else None

    def contacts_by_text(
        self, name: str, start: int | None, end: int | None, wanted: Collection[str]
    ) -> Iterator[tuple[str, Rows]]:
        inside, column = np.flatnonzero(self._between(start, end)), self.column(name)
        assert isinstance(column, LooseText), "asked for the texts of no text"
        chosen = LooseText(column.field, column.dictionary, column.codes[inside])
        for text, rows in ByText.of(chosen).rows_of(wanted):
            yield text, self.contacts[inside[rows]]

    def text_counts(self, name: str, start: int | None, end: int | None) -> None:
        return None

    @property
    def histories(self) -> Histories:
        in_time = np.argsort(self.at, kind="stable")
        return Histories.of(self.contacts[in_time], self.at[in_time], in_time.astype(np.uint32))

    def told(self, name: str, rows: Rows | None) -> None:
        return None

    def rows_of(self, contacts: BitMap) -> Rows:
        mine = self.contacts
        asked = to_array(contacts)
        rows = np.flatnonzero(mine == asked[0] if len(asked) == 1 else np.isin(mine, asked))
        return rows[np.lexsort((rows, self.at[rows], mine[rows]))].astype(np.uint32)

    def rows_of_one(self, contact: int) -> Rows:
        rows = np.flatnonzero(self.contacts == contact)
        return rows[np.argsort(self.at[rows], kind="stable")].astype(np.uint32)

    def rows_of_between(self, contacts: BitMap, start: int | None, end: int | None) -> Rows:
        rows = np.sort(self.rows_of(contacts))
        return rows[self._between(start, end)[rows]]

    def edges(self, last: bool, start: int | None, end: int | None) -> BitMap | None:
        return None

    def column(self, name: str) -> Column | None:
        tail = self._tail.columns.get(name)
        if tail is None or not self.size:
            return None
        return tail.view(self._fields[name], self.size)


class EventsVersion:
    """The events of one type as one version sees them."""

    __slots__ = ("orphans", "parts", "prints", "size")

    def __init__(self, parts: Sequence[EventPart], orphans: IdPrints) -> None:
        self.parts = parts
        self.orphans = orphans
        self.size = sum(part.size for part in parts)
        self.prints = [orphans, *(part.seen for part in parts if isinstance(part, SealedPart))]
        """Fingerprints of event ids, but for those of the tail."""


class EventTable:
    """The writer's side of the events of one type. `fields` includes the system fields.

    `orphans` are the fingerprints of event ids whose part lost all its events to erasure: forgetting them would make
    what is a duplicate depend on when parts were purged.
    """

    __slots__ = ("fields", "orphans", "parts", "tail")

    def __init__(self, fields: Mapping[str, Field]) -> None:
        self.fields = fields
        self.parts: tuple[SealedPart, ...] = ()
        self.orphans = NO_PRINTS
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
        sealed = self._sealed_before(ids)
        kept = []
        known = self.tail.ids
        for position, id in enumerate(ids):
            if id is not None:
                if id in known or id in sealed:
                    continue
                known.add(id)
            kept.append(position)
        return kept

    def _sealed_before(self, ids: Sequence[str | None]) -> set[str]:
        """Those of `ids` that a sealed part has."""
        given = [id for id in ids if id is not None]
        if not given or not any(self._prints()):
            return set()
        known = self.known(*halves_of(given))
        return {given[position] for position in np.flatnonzero(known).tolist()}

    def known(self, high: Halves, low: Halves) -> Mask:
        """Which fingerprints of event ids are those of events in sealed parts."""
        known = np.zeros(len(high), np.bool_)
        for prints in self._prints():
            known |= prints.known(high, low)
        return known

    def _prints(self) -> list[IdPrints]:
        return [self.orphans, *(part.seen for part in self.parts)]

    def append(self, contacts: Sequence[int], at: Sequence[int], order: int, columns: Mapping[str, Any]) -> None:
        for name in columns:
            if name not in self.tail.columns:
                self.tail.columns[name] = tail_column(self.fields[name])
        self.tail.append(contacts, at, order, columns)

    def attach(self, parts: Sequence[SealedPart]) -> None:
        """Add parts accepted after everything here."""
        self.seal_tail()
        self.parts += tuple(parts)

    def seal_tail(self) -> None:
        """Turn the tail into a part."""
        if self.tail.size:
            events = self.tail.loose(self.fields)
            self.parts += (SealedPart.of(events, int(events.order[0]), IdPrints.of(self.tail.ids)),)
            self.tail = EventTail()

    def due(self) -> Merge | None:
        """The merge of the newest parts, when there are enough of one tier."""
        count = mergeable([part.size for part in self.parts])
        return Merge(self, self.parts[-count:]) if count > 1 else None

    def adopt(self) -> None:
        """Let go of the events of erased contacts in the parts that were saved without them."""
        left = [part if part.purged is None else part.purged.part for part in self.parts]
        lost = [part.seen for part, kept in zip(self.parts, left, strict=True) if kept is None]
        self.orphans = IdPrints.joined([self.orphans, *lost])
        self.parts = tuple(part for part in left if part is not None)

    def publish(self) -> EventsVersion:
        tail = (TailPart(self.tail, self.tail.size, self.fields),) if self.tail.size else ()
        return EventsVersion((*self.parts, *tail), self.orphans)


class Merge:
    """A part made of several neighbours, while writing goes on."""

    def __init__(self, table: EventTable, parts: tuple[SealedPart, ...]) -> None:
        self._table = table
        self._parts = parts
        self._fields = table.fields
        self._merged: SealedPart | None = None

    def build(self) -> None:
        events = joined_events([part.loose() for part in self._parts], self._fields)
        first = min(part.first for part in self._parts)
        self._merged = SealedPart.of(events, first, IdPrints.joined([part.seen for part in self._parts]))

    def adopt(self) -> bool:
        held, count = self._table.parts, len(self._parts)
        places = [at for at in range(len(held)) if held[at : at + count] == self._parts]
        for at in places:
            assert self._merged is not None, "adopted before it was built"
            self._table.parts = (*held[:at], self._merged, *held[at + count :])
        return bool(places)


def mergeable(sizes: Sequence[int]) -> int:
    """How many of the last parts to merge into one: those of the last one's tier, when there are `FAN` of them.

    Tiers grow by `FAN`, so that `n` rows lie in about `FAN` times log n parts and each row is merged log n times.

    >>> mergeable([900_000, 64_000, 70_000, 65_000]), mergeable([900_000, 64_000, 70_000, 65_000, 64_000])
    (0, 4)
    """
    tier = _tier(sizes[-1]) if sizes else 0
    run = 0
    for size in reversed(sizes):
        if _tier(size) > tier or size >= LARGEST_MERGED:
            break
        run += 1
    return run if run >= FAN else 0


def _tier(size: int) -> int:
    return (max(1, size // TAIL_LIMIT).bit_length() - 1) // 2
