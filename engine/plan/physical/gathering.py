"""Where the events of a sequence's steps come from: the histories of parts, or few rows of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field, Type
from engine.bitmaps import Mask, Rows, Words, from_rows, set_rows, to_array, words_of
from engine.deadline import still_wanted
from engine.histories import BEFORE_ALL, NEVER, NO_ROWS, Histories, Ints, looked_up
from engine.native import kernel
from engine.plan.physical import costs
from engine.plan.physical.identities import Known, tag_set_identities, text_identities
from engine.plan.physical.numbers import Array
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Selection
from engine.plan.physical.space import Domain, PartSpace
from engine.plan.physical.trails import Slot, Trail, merged
from engine.reading import Column, EventPart
from engine.tables.loose import MISSING_INT

SORTED_MEANWHILE = 32
"""How many events, whose contacts are mostly others, can be sorted by contact while one contact is followed to them."""
SMALL_WINDOW = 4
"""Histories are read whole where more than one event in so many is in the window."""


@dataclass(frozen=True, slots=True)
class Found:
    """Selected rows of one part; they ascend."""

    part: EventPart
    rows: Rows

    @property
    def contacts(self) -> Rows:
        return looked_up(self.part.contacts, self.rows)


def found(events: Selection, context: Context, contacts: BitMap) -> list[Found]:
    """The events of these contacts, and perhaps of others, that a condition selects, part by part."""
    followed = worth_following(events, context, contacts)
    domain = Domain(len(contacts), to_array(contacts), contacts) if followed else Domain(context.space.size)
    parts = [Found(part, _rows(events, context, part, domain)) for part in events.parts(context.version)]
    return [part for part in parts if part.rows.size]


def _rows(events: Selection, context: Context, part: EventPart, domain: Domain) -> Rows:
    rows = events.rows(context, part, domain)
    assert not isinstance(rows, slice), "a condition selects rows one by one"
    return rows


def worth_following(events: Selection, context: Context, contacts: BitMap) -> bool:
    """Whether it takes less to follow these contacts to their events than to select those of everyone."""
    window = sum(part.estimate_between(events.start, events.end) for part in events.parts(context.version))
    theirs = window * len(contacts) / max(1, context.space.size)
    selecting = events.cost(context, context.space.size) + costs.EVENT * context.estimate(events)
    return costs.FOLLOWED * theirs < selecting


def owners(events: Sequence[Found]) -> BitMap:
    """The contacts of events."""
    still_wanted()
    return from_rows(np.concatenate([NO_ROWS, *(part.contacts for part in events)]))


def moments(events: Sequence[Found]) -> tuple[int, int]:
    """The least and the greatest moment of some events."""
    some = [part.rows[[0, -1]] if part.part.ordered else part.rows for part in events]
    at = np.concatenate([part.part.at[rows] for part, rows in zip(events, some, strict=True)])
    return int(at.min()), int(at.max())


# --- values --------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Stretches:
    """Positions in histories: from each of `begins` to below each of `ends`, `size` in all."""

    histories: Histories
    begins: Ints
    ends: Ints
    size: int

    @property
    def at(self) -> Ints:
        at = np.empty(self.size, np.int64)
        _copy(self.begins, self.ends, self.histories.at, at)
        return at

    @property
    def rows(self) -> Rows:
        rows = np.empty(self.size, np.uint32)
        _copy(self.begins, self.ends, self.histories.rows, rows)
        return rows


class Reader(Protocol):
    """Reads a property of events: numbers that are equal where the values are, `MISSING_INT` where there is none."""

    def read(self, events: Stretches) -> Ints: ...


@dataclass(frozen=True, slots=True)
class ByCode:
    """A property whose texts are told apart by code: `identities` are those of codes, and of none in the end."""

    codes: NDArray[np.int16]
    identities: Ints

    def read(self, events: Stretches) -> Ints:
        identities = np.empty(events.size, np.int64)
        _identify(events.begins, events.ends, self.codes, self.identities, identities)
        return identities


@dataclass(frozen=True, slots=True)
class ByRow:
    """A property of whatever type, looked up row by row."""

    column: Column
    type: Type
    known: Known

    def read(self, events: Stretches) -> Ints:
        still_wanted()
        numbers, present = self._values(events.rows)
        if numbers.dtype.kind == "f":
            numbers = (numbers + 0.0).view(np.int64)  # the bits, those of -0.0 being those of 0.0
        return np.where(present, numbers, MISSING_INT)

    def _values(self, rows: Rows) -> tuple[Array, NDArray[np.bool_]]:
        match self.type:
            case Type.TEXT | Type.CHOICE:
                return text_identities(self.column, rows, self.known)
            case Type.TAGS:
                return tag_set_identities(self.column, rows, self.known)
            case _:
                return self.column.numbers(rows)


@dataclass(frozen=True, slots=True)
class Nothing:
    """A property that no event of a part has."""

    def read(self, events: Stretches) -> Ints:
        return np.full(events.size, MISSING_INT, np.int64)


Readers = Mapping[Slot, Reader]


def _reader(part: EventPart, field: Field, known: Known, rows: Rows | None) -> Reader:
    """Of histories that have these rows; those of the part when None."""
    told = part.told(field.name, rows)
    if told is not None:
        return ByCode(told.codes, np.append(known.of_all(told.texts), MISSING_INT))
    column = PartSpace(part).column(field.name)
    return Nothing() if column is None else ByRow(column, field.type, known)


# --- sources -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """The events of a part in [start, end), and in the set of rows `chosen` where there is one: no event is before
    `first`, none after `last`."""

    part: EventPart
    histories: Histories
    start: int | None
    end: int | None
    first: int
    last: int
    chosen: Words | None
    readers: Readers

    @classmethod
    def of(cls, part: EventPart, histories: Histories, at: Ints, chosen: Words | None, readers: Readers) -> Source:
        """Of whatever moment; `at` are moments of the events there, those at the ends among them."""
        first, last = int(at.min(initial=NEVER)), int(at.max(initial=BEFORE_ALL))
        return cls(part, histories, None, None, first, last, chosen, readers)

    def within(self, low: int | None, high: int | None) -> Source:
        """The events low <= moment < high of these."""
        first = self.first if low is None else max(self.first, low)
        last = self.last if high is None else min(self.last, high - 1)
        return replace(self, start=low, end=high, first=first, last=last)

    def owners(self, size: int, most: int) -> Words | None:
        """The set of those contacts, which are below `size`, that may have events here; None when more than `most`
        events would have to be looked at for that."""
        contacts = self._few_owners(most)
        if contacts is None:
            return None
        words = np.zeros(words_of(size), np.uint64)
        set_rows(contacts, words)
        return words

    def _few_owners(self, most: int) -> Rows | None:
        """Those contacts, perhaps several times."""
        if self.histories.rows.size <= most:
            return self.histories.who
        between = self.part.rows_between(self.start, self.end)
        if not isinstance(between, range) or len(between) > most:
            return None
        return self.part.contacts[between.start : between.stop]

    def trail(self, contacts: Rows) -> Trail:
        """Those of some contacts, which ascend."""
        begins, ends = self.histories.stretches(contacts, self.start, self.end)
        starts = np.zeros(begins.size + 1, np.int64)
        np.cumsum(ends - begins, out=starts[1:])
        if self.chosen is not None:
            positions = np.empty(int(starts[-1]) + 1, np.int64)
            begins = positions[: _choose(begins, ends, self.histories.rows, self.chosen, positions, starts)]
            ends = begins + 1
        events = Stretches(self.histories, begins, ends, int(starts[-1]))
        return Trail(starts, events.at, {slot: reader.read(events) for slot, reader in self.readers.items()})

    @property
    def events_each(self) -> float:
        """About how many events a contact has."""
        return self.histories.rows.size / max(1, self.histories.who.size)


@dataclass(frozen=True, slots=True)
class Gathering:
    """What the sources of a step are made for: some contacts, also as a set, and properties that are compared."""

    contacts: Rows
    words: Words
    slots: Mapping[Slot, Field]
    known: Known

    def of_all(self, events: Selection, context: Context) -> list[Source]:
        """All events of a selection without a condition."""
        parts = [part for part in events.parts(context.version) if part.estimate_between(events.start, events.end)]
        return [self._window(part, events) for part in parts]

    def of_rows(self, found: Sequence[Found], events: Selection) -> list[Source]:
        """Those that a selection's condition chose."""
        return [self._chosen(each, events) for each in found]

    def _window(self, part: EventPart, events: Selection) -> Source:
        between = part.rows_between(events.start, events.end)
        most = min(SORTED_MEANWHILE * len(self.contacts), part.size // SMALL_WINDOW)
        if isinstance(between, range) and part.ordered and len(between) <= most:
            return self._sorted(part, np.arange(between.start, between.stop, dtype=np.uint32))
        return self._whole(part, events, None)

    def _chosen(self, found: Found, events: Selection) -> Source:
        if found.part.ordered and found.rows.size <= SORTED_MEANWHILE * len(self.contacts):
            return self._sorted(found.part, found.rows)
        chosen = np.zeros(words_of(found.part.size), np.uint64)
        set_rows(found.rows, chosen)
        return self._whole(found.part, events, chosen)

    def _sorted(self, part: EventPart, rows: Rows) -> Source:
        asked = np.empty(rows.size + 1, np.uint32)
        rows = asked[: _take_asked(part.contacts, rows, self.words, asked)]
        histories = Histories.of(looked_up(part.contacts, rows), looked_up(part.at, rows), rows)
        return Source.of(part, histories, histories.at, None, self._readers(part, histories.rows))

    def _whole(self, part: EventPart, events: Selection, chosen: Words | None) -> Source:
        at = part.at[[0, -1]] if part.ordered else part.at
        whole = Source.of(part, part.histories, at, chosen, self._readers(part, None))
        return whole.within(events.start, events.end)

    def _readers(self, part: EventPart, rows: Rows | None) -> Readers:
        return {slot: _reader(part, field, self.known, rows) for slot, field in self.slots.items()}


def trail(sources: Sequence[Source], contacts: Rows, slots: Mapping[Slot, Field]) -> Trail:
    """The events of some contacts, which ascend, with some of their properties."""
    still_wanted()
    if not sources:
        nothing = np.empty(0, np.int64)
        return Trail(np.zeros(contacts.size + 1, np.int64), nothing, dict.fromkeys(slots, nothing))
    return merged([source.trail(contacts) for source in sources])


def are_in(contacts: Rows, words: Words | None) -> Mask:
    """Which contacts are in a set; None is that of all."""
    marks = np.ones(contacts.size, np.bool_)
    if words is not None:
        _unmark(contacts, words, marks)
    return marks


@kernel("u4[]", "u8[]", "out b1[]")
def _unmark(contacts: Rows, words: Words, marks: Mask) -> None:
    """Unmark contacts that are not in a set."""
    for i in range(contacts.size):
        marks[i] = (words[contacts[i] >> np.uint32(6)] >> np.uint64(contacts[i] & np.uint32(63))) & np.uint64(1) != 0


@kernel("u4[]", "u4[]", "u8[]", "out u4[]")
def _take_asked(contacts: Rows, rows: Rows, words: Words, asked: Rows) -> int:
    """Those rows whose contact is in a set. Each is written, and the next one over it unless it is asked about."""
    count = 0
    for row in rows:
        contact = contacts[row]
        asked[count] = row
        count += int((words[contact >> np.uint32(6)] >> np.uint64(contact & np.uint32(63))) & np.uint64(1))
    return count


@kernel("i8[]", "i8[]", "T[]", "out T[]", T=("u4", "i8"))
def _copy(begins: Ints, ends: Ints, data: NDArray[Any], copied: NDArray[Any]) -> None:
    """Copy what is at the positions of each stretch, one after the other."""
    count = 0
    for stretch in range(begins.size):
        for position in range(begins[stretch], ends[stretch]):
            copied[count] = data[position]
            count += 1


@kernel("i8[]", "i8[]", "i2[]", "i8[]", "out i8[]")
def _identify(begins: Ints, ends: Ints, codes: NDArray[np.int16], identities: Ints, identified: Ints) -> None:
    """The identity of the code of each event; the code -1 of none reads the last one."""
    count = 0
    for stretch in range(begins.size):
        for position in range(begins[stretch], ends[stretch]):
            identified[count] = identities[codes[position]]
            count += 1


@kernel("i8[]", "i8[]", "u4[]", "u8[]", "out i8[]", "out i8[]")
def _choose(begins: Ints, ends: Ints, rows: Rows, chosen: Words, positions: Ints, starts: Ints) -> int:
    """Put the positions of the chosen rows of each stretch, and where those of each start; how many there are.

    Each is written, and the next one over it unless it is chosen.
    """
    count = 0
    for stretch in range(begins.size):
        for position in range(begins[stretch], ends[stretch]):
            row = rows[position]
            positions[count] = position
            count += int((chosen[row >> np.uint32(6)] >> np.uint64(row & np.uint32(63))) & np.uint64(1))
        starts[stretch + 1] = count
    return count
