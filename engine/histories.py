"""Histories: the events of a part contact by contact, those of each in order of time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.bitmaps import Rows
from engine.counting import Counts
from engine.native import kernel

Ints = NDArray[np.int64]

BEFORE_ALL = int(np.iinfo(np.int64).min)
NEVER = int(np.iinfo(np.int64).max)

DENSE = 16
"""Contacts are looked up in an array of their range when they are at least one in so many of it."""
COUNTED = 32
"""Among so few moments those before another are counted, which needs no branch."""
LAST_ROW = 0xFFFFFFFF
NO_ROWS: Rows = np.empty(0, np.uint32)


@dataclass(frozen=True, slots=True)
class Histories:
    """The events of contact `who[i]` (they ascend) are at the positions `starts[i]:starts[i + 1]`, in order of time.

    `rows` tells their rows in the part, `at` their moments.
    """

    who: Rows
    starts: Rows
    rows: Rows
    at: Ints

    @classmethod
    def of(cls, contacts: Rows, at: Ints, rows: Rows | None = None) -> Histories:
        """Of events by the contact and moment of each, which are in order of time; `rows` are 0, 1, 2… unless given."""
        starts, order, who = by_contact(contacts)
        return cls(who, starts, order if rows is None else looked_up(rows, order), looked_up(at, order))

    def stretches(self, asked: Rows, start: int | None, end: int | None) -> tuple[Ints, Ints]:
        """The positions begin <= position < end of the events in [start, end) of each of `asked`, which ascend."""
        begins, ends = np.empty(len(asked), np.int64), np.empty(len(asked), np.int64)
        low, high = BEFORE_ALL if start is None else max(start, BEFORE_ALL), NEVER if end is None else min(end, NEVER)
        if len(asked) and int(asked[-1]) - int(asked[0]) < DENSE * len(asked):
            _find_dense(asked, self.who, self.starts, begins, ends)
        else:
            _find_sparse(asked, self.who, self.starts, begins, ends)
        if start is not None or end is not None:
            _narrow(self.at, low, high, begins, ends)
        return begins, ends

    def of_contacts(self, asked: Rows) -> Rows:
        """The rows of contacts, which ascend, one contact after the other."""
        begins, ends = self.stretches(asked, None, None)
        rows = np.empty(int((ends - begins).sum()), np.uint32)
        _take_between(begins, ends, self.rows, 0, 1 << 32, rows)
        return rows

    def of_contacts_between(self, asked: Rows, low: int, high: int) -> Rows:
        """Those low <= row < high, one contact after the other."""
        begins, ends = self.stretches(asked, None, None)
        # Room for all of a contact's rows, the lengths summed first: memory that is not touched costs time too.
        rows = np.empty(int((ends - begins).sum()), np.uint32)
        return rows[: _take_between(begins, ends, self.rows, low, high, rows)]

    def tally(self, asked: Rows, low: int, high: int, counts: Counts) -> None:
        """Add to `counts` how many rows low <= row < high each of `asked`, which ascend, has."""
        _tally_few(asked, self.who, self.starts, self.rows, low, high, counts)

    def of_one(self, contact: int) -> Rows:
        """The rows of one contact."""
        place = _place(contact, self.who)
        return NO_ROWS if place < 0 else self.rows[self.starts[place] : self.starts[place + 1]]


def looked_up(data: NDArray[Any], places: Rows) -> NDArray[Any]:
    """What `data` has at each of `places`, in a third of the time that numpy takes, which widens them first."""
    found = np.empty(places.size, data.dtype)
    _look_up(data, places, found)
    return found


def by_contact(contacts: Rows) -> tuple[Rows, Rows, Rows]:
    """Where each contact's rows start, the rows contact by contact, and the contacts."""
    low, high = int(contacts.min(initial=LAST_ROW)), int(contacts.max(initial=0))
    if len(contacts) and high - low < DENSE * len(contacts):
        return _by_counting(contacts, low, high)
    keys = (contacts.astype(np.int64) << 32) | np.arange(len(contacts))
    keys.sort()
    owners = (keys >> 32).astype(np.uint32)
    first = np.flatnonzero(np.append(True, owners[1:] != owners[:-1])) if len(owners) else np.zeros(0, np.int64)
    return np.append(first, len(keys)).astype(np.uint32), (keys & LAST_ROW).astype(np.uint32), owners[first]


def _by_counting(contacts: Rows, low: int, high: int) -> tuple[Rows, Rows, Rows]:
    """The same of contacts low <= contact <= high."""
    free, order = np.zeros(high - low + 1, np.uint32), np.empty(len(contacts), np.uint32)
    starts, who = np.empty(free.size + 1, np.uint32), np.empty(free.size, np.uint32)
    count = _group(contacts, low, free, starts, order, who)
    return starts[: count + 1].copy(), order, who[:count].copy()


# --- kernels -------------------------------------------------------------------------------------------------


@kernel("T[]", "u4[]", "out T[]", T=("u4", "i8"))
def _look_up(data: NDArray[Any], places: Rows, found: NDArray[Any]) -> None:
    for i in range(places.size):
        found[i] = data[places[i]]


@kernel("u4[]", "u4", "out u4[]", "out u4[]", "out u4[]", "out u4[]")
def _group(contacts: Rows, low: Any, free: Rows, starts: Rows, order: Rows, who: Rows) -> int:
    """Put rows where the next of their contact goes, which is `free`: that begins as zeros and first counts them.
    How many contacts there are; each number is written as one, and the next one over it unless it is."""
    for contact in contacts:
        free[contact - low] += np.uint32(1)
    first, count = np.uint32(0), 0
    for number in range(free.size):
        rows = free[number]
        free[number], starts[count], who[count] = first, first, low + np.uint32(number)
        first += rows
        count += rows != 0
    starts[count] = first
    for row in range(contacts.size):
        order[free[contacts[row] - low]] = row
        free[contacts[row] - low] += np.uint32(1)
    return count


@kernel("i8[]", "i8", "i8", "i8")
def _first_from(at: Ints, low: int, high: int, moment: int) -> int:
    """The first position low <= position < high that is not before `moment`; `high` where there is none."""
    while high - low > COUNTED:
        middle = (low + high) >> 1
        if at[middle] < moment:
            low = middle + 1
        else:
            high = middle
    before = 0
    for moment_there in at[low:high]:
        before += moment_there < moment
    return low + before


@kernel("i8[]", "i8", "i8", "out i8[]", "out i8[]")
def _narrow(at: Ints, start: int, end: int, begins: Ints, ends: Ints) -> None:
    """Leave of each stretch what is in [start, end)."""
    for stretch in range(begins.size):
        if start != BEFORE_ALL:
            begins[stretch] = _first_from(at, begins[stretch], ends[stretch], start)
        if end != NEVER:
            ends[stretch] = _first_from(at, begins[stretch], ends[stretch], end)


@kernel("u4[]", "i8", "i8", "i8")
def _first_not_below(ascending: Rows, least: Any, place: Any, end: Any) -> Any:
    """The first place from `place` on, and before `end`, whose number is not below `least`; `end` if there is none."""
    while place < end:
        middle = (place + end) >> 1
        if ascending[middle] < least:
            place = middle + 1
        else:
            end = middle
    return place


@kernel("u4[]", "i8", "i8")
def _next_place(who: Rows, contact: Any, place: Any) -> Any:
    """The same over all of `who`, by a search that begins at `place` and widens from there."""
    step = 1
    while place + step < who.size and who[place + step] < contact:
        place += step
        step += step
    return _first_not_below(who, contact, place, min(place + step, who.size))


@kernel("u4[]", "u4[]", "u4[]", "u4[]", "i8", "i8", "out C[]", C=("u1", "u2", "u4", "u8"))
def _tally_few(asked: Rows, who: Rows, starts: Rows, by_contact: Rows, low: int, high: int, counts: Counts) -> None:
    """Add to `counts` how many rows low <= row < high each of `asked`, which ascend, has: those of each ascend too."""
    place, every = 0, low == 0 and high == by_contact.size
    for number in range(asked.size):
        place = _next_place(who, asked[number], place)
        if place == who.size:
            return
        if who[place] == asked[number]:
            first, last = np.int64(starts[place]), np.int64(starts[place + 1])
            if not every:
                first = _first_not_below(by_contact, low, first, last)
                last = _first_not_below(by_contact, high, first, last)
            counts[number] += last - first


@kernel("u4[]", "u4[]", "u4[]", "out i8[]", "out i8[]")
def _find_sparse(asked: Rows, who: Rows, starts: Rows, begins: Ints, ends: Ints) -> None:
    """Where the events of each of `asked` begin and end. Both they and `who` ascend, so that each search begins where
    the last one ended."""
    place = 0
    for i in range(asked.size):
        place = _next_place(who, asked[i], place)
        begins[i] = ends[i] = 0
        if place < who.size and who[place] == asked[i]:
            begins[i], ends[i] = starts[place], starts[place + 1]


@kernel("u4[]", "u4[]", "u4[]", "out i8[]", "out i8[]")
def _find_dense(asked: Rows, who: Rows, starts: Rows, begins: Ints, ends: Ints) -> None:
    """The same by arrays of the range of `asked`, without a branch for each: which have events cannot be foretold."""
    low, high = asked[0], asked[asked.size - 1]
    begin_of = np.zeros(np.int64(high) - np.int64(low) + 1, np.uint32)
    end_of = np.zeros(begin_of.size, np.uint32)
    for place in range(_next_place(who, low, 0), who.size):
        if who[place] > high:
            break
        begin_of[who[place] - low], end_of[who[place] - low] = starts[place], starts[place + 1]
    for i in range(asked.size):
        begins[i], ends[i] = begin_of[asked[i] - low], end_of[asked[i] - low]


@kernel("i8[]", "i8[]", "u4[]", "i8", "i8", "out u4[]")
def _take_between(begins: Ints, ends: Ints, rows: Rows, low: int, high: int, taken: Rows) -> int:
    """Put the rows low <= row < high at the positions of each stretch into `taken`; how many there are."""
    count = 0
    for stretch in range(begins.size):
        for position in range(begins[stretch], ends[stretch]):
            row = rows[position]
            if low <= row < high:
                taken[count] = row
                count += 1
    return count


@kernel("i8", "u4[]")
def _place(contact: int, who: Rows) -> int:
    """Where a contact stands in `who`; -1 when it does not."""
    place: int = _first_not_below(who, contact, 0, who.size)
    return place if place < who.size and who[place] == contact else -1
