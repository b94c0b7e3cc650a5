"""Sealed parts: a stretch of the events of one type, sorted by moment and indexed, never changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from dsl.typed import IsSet, OneOf
from engine.bitmaps import Rows, from_rows, to_array, to_mask
from engine.counting import Counts, add_each, add_each_capped
from engine.native import kernel
from engine.reading import Column
from engine.tables.amounts import Amounts
from engine.tables.by_text import TextCounts, told_apart
from engine.tables.groups import spans
from engine.tables.joining import empty, joined, taken
from engine.tables.loose import MISSING_INT, Loose, LooseNumbers
from engine.tables.prints import IdPrints
from engine.tables.sealed import Sealed, opened, sealed
from engine.tables.tallies import Tallies
from engine.tables.text import SealedText
from engine.tables.times import TimeIndex
from storage import Array, BlockRef

FEW_ROWS = 4096
"""Windows of at most so many events are answered from the events themselves."""
KEPT_MOMENTS = 256
"""Where so many moments stand among the rows is kept, then forgotten at once."""
NO_ROWS: Rows = np.empty(0, np.uint32)


@dataclass(frozen=True, slots=True)
class LooseEvents:
    """Events before they are sorted and indexed."""

    contacts: Rows
    at: NDArray[np.int64]
    order: NDArray[np.int64]
    columns: Mapping[str, Loose]

    def chosen(self, rows: NDArray[np.int64]) -> LooseEvents:
        """The events `rows`, in that order."""
        columns = {name: taken(column, rows) for name, column in self.columns.items()}
        return LooseEvents(self.contacts[rows], self.at[rows], self.order[rows], columns)


@dataclass(frozen=True, slots=True)
class Purged:
    """What is left of a part without the events of erased contacts; None when nothing is."""

    part: SealedPart | None


class SealedPart:
    """Rows are sorted by moment, then acceptance.

    `first` is added to the stored acceptance numbers: a part can be built before it is known which events precede it.
    Where events were accepted one after the other in order of time, as most are, these are the rows and not stored.
    `who` are the contacts that occur, ascending; the rows of `who[i]` are `by_contact[starts[i]:starts[i + 1]]`, the
    moments of its first and last events `first_at[i]` and `last_at[i]`.
    `seen` are fingerprints of the ids of its events, and of those that were purged from it. `purged` is set by who
    saved it without the events of erased contacts.
    """

    def __init__(self, arrays: dict[str, Any], columns: Mapping[str, Sealed], times: TimeIndex, first: int) -> None:
        self._arrays = arrays
        self._columns = columns
        self.times = times
        self.first = first
        self.seen = IdPrints(arrays["id_high"], arrays["id_low"])
        self.ref: BlockRef | None = None
        self.purged: Purged | None = None
        self._firsts: dict[int, int] = {}
        self._amounts: dict[str, Amounts] = {}
        self._texts: dict[str, frozenset[str]] = {}
        self._text_counts: dict[str, TextCounts] = {}

    @classmethod
    def of(cls, events: LooseEvents, first: int, seen: IdPrints) -> SealedPart:
        """Sort and index; `first` is not above any of `events.order`."""
        events = _in_order_of_time(events)
        starts, by_contact, who = _by_contact(events.contacts)
        order = (events.order - first).astype(np.uint32)
        arrays = {
            "contacts": events.contacts,
            "at": events.at,
            **({} if _is_each_row(order) else {"order": order}),
            "who": who,
            "starts": starts,
            "by_contact": by_contact,
            "first_at": events.at[by_contact[starts[:-1]]],
            "last_at": events.at[by_contact[starts[1:] - np.uint32(1)]],
            "id_high": seen.high,
            "id_low": seen.low,
        }
        columns = {name: sealed(column) for name, column in events.columns.items()}
        held = {name: column for name, column in columns.items() if column.estimate(IsSet())}
        return cls(arrays, held, TimeIndex.of(events.contacts, events.at), first)

    @property
    def size(self) -> int:
        return len(self._arrays["contacts"])

    @property
    def contacts(self) -> Rows:
        contacts: Rows = self._arrays["contacts"]
        return contacts

    @property
    def at(self) -> NDArray[np.int64]:
        at: NDArray[np.int64] = self._arrays["at"]
        return at

    def order_of(self, rows: NDArray[Any]) -> NDArray[np.int64]:
        stored = self._arrays.get("order")
        order: NDArray[np.int64] = (rows if stored is None else stored[rows]).astype(np.int64) + self.first
        return order

    def bounds(self, start: int | None, end: int | None) -> tuple[int, int]:
        """Rows low <= row < high are those in [start, end)."""
        low = 0 if start is None else self._first_from(start)
        high = self.size if end is None else self._first_from(end)
        return low, max(low, high)

    def _first_from(self, moment: int) -> int:
        """The first row that is not before `moment`. A question asks of its few moments again and again."""
        found = self._firsts.get(moment)
        if found is None and moment > self.latest:
            return self.size
        if found is None:
            if len(self._firsts) >= KEPT_MOMENTS:
                self._firsts.clear()
            found = self._firsts[moment] = int(self.at.searchsorted(moment))
        return found

    def rows_between(self, start: int | None, end: int | None) -> range:
        return range(*self.bounds(start, end))

    def estimate_between(self, start: int | None, end: int | None) -> int:
        low, high = self.bounds(start, end)
        return high - low

    def cover(self, start: int | None, end: int | None) -> tuple[list[BitMap], Rows]:
        """Whole units of time from the index, the edges from the events themselves."""
        low, high = self.bounds(start, end)
        if low == 0 and high == self.size:
            return [self.times.everyone], NO_ROWS
        if high - low <= FEW_ROWS:
            return [], self.contacts[low:high]
        first, last = self._whole_units(low, high)
        inner_low, inner_high = self.bounds(first * self.times.unit, last * self.times.unit)
        if inner_low >= inner_high:
            return [], self.contacts[low:high]
        edges = np.concatenate((self.contacts[low:inner_low], self.contacts[inner_high:high]))
        return self.times.between(first, last), edges

    def _whole_units(self, low: int, high: int) -> tuple[int, int]:
        """Units of time [first, last) all of whose events here are among rows low <= row < high."""
        unit = self.times.unit
        first = int(self.at[low]) // unit
        last = int(self.at[high - 1]) // unit + 1
        if low and int(self.at[low - 1]) // unit == first:
            first += 1
        if high < self.size and int(self.at[high]) // unit == last - 1:
            last -= 1
        return first, last

    @cached_property
    def latest(self) -> int:
        """The moment of the last event; below any where there is none."""
        return int(self.at[-1]) if self.size else MISSING_INT

    @cached_property
    def earliest(self) -> int:
        """The moment of the first event, where there is one."""
        return int(self.at[0])

    @property
    def people(self) -> Rows:
        who: Rows = self._arrays["who"]
        return who

    @cached_property
    def places(self) -> Rows:
        places = np.empty(self.size, np.uint32)
        _put_places(self._arrays["starts"], self._arrays["by_contact"], places)
        return places

    @property
    def bound(self) -> int:
        """Above the rows of all contacts that have events here."""
        return int(self._arrays["who"][-1]) + 1

    @property
    def ordered(self) -> bool:
        return True

    @cached_property
    def most(self) -> int:
        return int(np.diff(self._arrays["starts"]).max(initial=0))

    def tally(self, counts: Counts, start: int | None, end: int | None) -> None:
        low, high = self.bounds(start, end)
        if high - low <= FEW_ROWS:
            add_each(counts, self.contacts[low:high])
        else:
            self._tallies.add(counts, low, high)

    def tally_few(self, asked: Rows, counts: Counts, start: int | None, end: int | None) -> None:
        low, high = self.bounds(start, end)
        if low < high:
            arrays = self._arrays
            _tally_few(asked, arrays["who"], arrays["starts"], arrays["by_contact"], low, high, counts)

    def tally_people(self, counts: Counts, start: int | None, end: int | None) -> None:
        self._tallies_of_people.add(counts, *self.bounds(start, end))

    def tally_capped(self, counts: NDArray[np.uint8], start: int | None, end: int | None) -> None:
        low, high = self.bounds(start, end)
        if high - low <= FEW_ROWS:
            add_each_capped(counts, self.contacts[low:high])
        else:
            self._tallies.add_capped(counts, low, high)

    @cached_property
    def _tallies(self) -> Tallies:
        return Tallies(self.contacts, self.most)

    @cached_property
    def _tallies_of_people(self) -> Tallies:
        return Tallies(self.places, self.most)

    def amounts(self, name: str) -> Amounts | None:
        column = self._columns.get(name)
        if not isinstance(column, LooseNumbers) or column.data.dtype.kind == "f":
            return None
        if name not in self._amounts:
            self._amounts[name] = Amounts(self.places, column.data, self._tallies_of_people)
        return self._amounts[name]

    def texts(self, name: str) -> Collection[str] | None:
        column = self._columns.get(name)
        if column is None:
            return ()
        if not isinstance(column, SealedText) or not told_apart(column):
            return None
        if name not in self._texts:
            self._texts[name] = frozenset(column.sorted.folded_groups.to_pylist())
        return self._texts[name]

    def contacts_by_text(
        self, name: str, start: int | None, end: int | None, wanted: Collection[str]
    ) -> Iterator[tuple[str, Rows]]:
        column, (low, high) = self._columns[name], self.bounds(start, end)
        window = None if high - low == self.size else BitMap(range(low, high))
        for text in wanted:
            yield text, self.contacts.take(to_array(column.matching(OneOf((text,)), window)))

    def text_counts(self, name: str, start: int | None, end: int | None) -> TextCounts | None:
        column = self._columns.get(name)
        if not isinstance(column, SealedText) or self.bounds(start, end)[1] < self.size:
            return None
        if name not in self._text_counts:
            arrays = self._arrays
            self._text_counts[name] = TextCounts(column, self.contacts, arrays["starts"], arrays["by_contact"])
        return self._text_counts[name]

    def rows_of(self, contacts: BitMap) -> Rows:
        starts, places = self._arrays["starts"], self._places(to_array(contacts))
        rows: Rows = self._arrays["by_contact"][spans(starts[places], starts[places + 1])]
        return rows

    def rows_of_one(self, contact: int) -> Rows:
        place = _place(contact, self._arrays["who"])
        if place < 0:
            return NO_ROWS
        starts = self._arrays["starts"]
        rows: Rows = self._arrays["by_contact"][starts[place] : starts[place + 1]]
        return rows

    def rows_of_between(self, contacts: BitMap, start: int | None, end: int | None) -> Rows:
        low, high = self.bounds(start, end)
        starts, places = self._arrays["starts"], self._places(to_array(contacts))
        # Room for all of a contact's rows, the lengths summed first: memory that is not touched costs time too.
        rows = np.empty(int((starts[places + 1] - starts[places]).sum()), np.uint32)
        found = _rows_between(places, starts, self._arrays["by_contact"], low, high, rows)
        return np.sort(rows[:found])

    def _places(self, asked: Rows) -> NDArray[np.int64]:
        """Where those of `asked` that have events stand in `who`."""
        places = np.empty(len(asked), np.int64)
        return places[: _find_ascending(asked, self._arrays["who"], places)]

    def edges(self, last: bool, start: int | None, end: int | None) -> BitMap | None:
        low, high = self.bounds(start, end)
        if (high < self.size) if last else low:
            return None
        rows = self._last if last else self._first
        return rows if high - low == self.size else rows & BitMap(range(low, high))

    def put_edges(self, last: bool, moments: NDArray[np.int64]) -> None:
        """Bring the moment of each contact's first or last event into `moments`, where it is earlier, or later."""
        put = _raise_moments if last else _lower_moments
        put(self._arrays["who"], self._edge_moments(last), moments)

    def _edge_moments(self, last: bool) -> NDArray[np.int64]:
        """The moment of the first or last event of each of `who`: parts that were saved earlier do not hold it."""
        saved: NDArray[np.int64] | None = self._arrays.get("last_at" if last else "first_at")
        if saved is None:
            starts = self._arrays["starts"]
            rows = starts[1:] - np.uint32(1) if last else starts[:-1]
            saved = self.at[self._arrays["by_contact"][rows]]
        return saved

    @cached_property
    def _first(self) -> BitMap:
        return from_rows(self._arrays["by_contact"][self._arrays["starts"][:-1]])

    @cached_property
    def _last(self) -> BitMap:
        return from_rows(self._arrays["by_contact"][self._arrays["starts"][1:] - np.uint32(1)])

    def column(self, name: str) -> Column | None:
        return self._columns.get(name)

    def loose(self) -> LooseEvents:
        """The events."""
        return self.between(0, self.size)

    def between(self, low: int, high: int) -> LooseEvents:
        """The events low <= row < high."""
        rows = np.arange(low, high, dtype=np.int64)
        columns = self._columns if high - low == self.size else {n: taken(c, rows) for n, c in self._columns.items()}
        return LooseEvents(self.contacts[low:high], self.at[low:high], self.order_of(rows), columns)

    def without_contacts(self, erased: BitMap) -> SealedPart | None:
        """This part without the events of `erased` contacts; itself when it has none, None when it has no others."""
        gone = self.times.everyone & erased
        if not gone:
            return self
        kept = to_mask(self.times.everyone - gone, self.times.everyone.max() + 1)
        events = self.loose()
        events = events.chosen(np.flatnonzero(kept[events.contacts]))
        return SealedPart.of(events, self.first, self.seen) if len(events.at) else None

    def with_contacts(self, rows: Rows) -> SealedPart:
        """This part with row `rows[i]` in place of contact row `i`."""
        events = self.loose()
        moved = LooseEvents(rows[events.contacts], events.at, events.order, events.columns)
        return SealedPart.of(moved, self.first, self.seen)

    def arrays(self) -> dict[str, Array]:
        """Everything, for a block; the arrays of column `i` of `names` begin with its number."""
        arrays = dict(self._arrays)
        arrays |= {f"times/{name}": array for name, array in self.times.arrays().items()}
        for number, column in enumerate(self._columns.values()):
            arrays |= {f"{number}/{name}": array for name, array in column.arrays().items()}
        return arrays

    @property
    def names(self) -> list[str]:
        """The property columns it has."""
        return list(self._columns)

    @classmethod
    def opened(
        cls, arrays: dict[str, Array], names: Sequence[str], fields: Mapping[str, Field], first: int
    ) -> SealedPart:
        """The part whose `arrays()` and `names` these are. Columns whose field is gone are left out."""
        own = {name: array for name, array in arrays.items() if "/" not in name}
        columns = {
            name: opened(fields[name], below(arrays, f"{number}/"))
            for number, name in enumerate(names)
            if name in fields
        }
        return cls(own, columns, TimeIndex.opened(below(arrays, "times/")), first)


def below(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _in_order_of_time(events: LooseEvents) -> LooseEvents:
    """The events by moment, then acceptance."""
    if not (events.at[1:] >= events.at[:-1]).all():
        events = events.chosen(ascending(events.at))
    if ((events.at[1:] == events.at[:-1]) & (events.order[1:] < events.order[:-1])).any():
        events = events.chosen(np.lexsort((events.order, events.at)))
    return events


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


@kernel("u4[]", "u4[]", "out i8[]")
def _find_ascending(asked: Rows, who: Rows, places: NDArray[np.int64]) -> int:
    """Put where each of `asked`, which ascend, stands in `who` into `places` if it does; how many there are."""
    found, place = 0, 0
    for contact in asked:
        place = _next_place(who, contact, place)
        if place < who.size and who[place] == contact:
            places[found] = place
            found += 1
    return found


@kernel("i8", "u4[]")
def _place(contact: int, who: Rows) -> int:
    """Where a contact stands in `who`; -1 when it does not."""
    low, high = 0, who.size
    while low < high:
        middle = (low + high) >> 1
        if who[middle] < contact:
            low = middle + 1
        else:
            high = middle
    return low if low < who.size and who[low] == contact else -1


@kernel("u4[]", "u4[]", "out u4[]")
def _put_places(starts: Rows, by_contact: Rows, places: Rows) -> None:
    """The number of the stretch between `starts` that each row is in."""
    for place in range(starts.size - 1):
        for position in range(starts[place], starts[place + 1]):
            places[by_contact[position]] = place


@kernel("u4[]", "i8[]", "out i8[]")
def _raise_moments(contacts: Rows, moments: NDArray[np.int64], latest: NDArray[np.int64]) -> None:
    """Raise the latest moment of each contact, of which none occurs twice, to its own here."""
    for place in range(contacts.size):
        contact = contacts[place]
        latest[contact] = max(latest[contact], moments[place])


@kernel("u4[]", "i8[]", "out i8[]")
def _lower_moments(contacts: Rows, moments: NDArray[np.int64], earliest: NDArray[np.int64]) -> None:
    """Lower the earliest moment of each contact, of which none occurs twice, to its own here, or set it."""
    for place in range(contacts.size):
        contact, moment = contacts[place], moments[place]
        known = earliest[contact]
        earliest[contact] = moment if known == MISSING_INT else min(known, moment)


@kernel("i8[]", "u4[]", "u4[]", "i8", "i8", "out u4[]")
def _rows_between(
    places: NDArray[np.int64], starts: NDArray[np.uint32], by_contact: Rows, low: int, high: int, rows: Rows
) -> int:
    """Put the rows low <= row < high of the contacts at `places` into `rows`; how many there are."""
    found = 0
    for place in places:
        for position in range(starts[place], starts[place + 1]):
            row = by_contact[position]
            if low <= row < high:
                rows[found] = row
                found += 1
    return found


def _is_each_row(numbers: NDArray[np.uint32]) -> bool:
    """Whether these are 0, 1, 2…"""
    return bool((numbers == np.arange(len(numbers), dtype=np.uint32)).all())


def ascending(at: NDArray[np.int64]) -> NDArray[np.int64]:
    """The stable order of moments. Sorting moment << bits | row is many times faster than finding a permutation."""
    if not len(at):
        return np.zeros(0, np.int64)
    bits = max(1, (len(at) - 1).bit_length())
    least = int(at.min())
    if int(at.max()) - least >= 1 << (62 - bits):
        return np.argsort(at, kind="stable")
    keys = (at - least) << bits | np.arange(len(at))
    keys.sort()
    rows: NDArray[np.int64] = keys & ((1 << bits) - 1)
    return rows


def _by_contact(contacts: Rows) -> tuple[NDArray[np.uint32], Rows, Rows]:
    """Where each contact's rows start, the rows contact by contact, and the contacts."""
    keys = (contacts.astype(np.int64) << 32) | np.arange(len(contacts))
    keys.sort()
    owners = (keys >> 32).astype(np.uint32)
    first = np.flatnonzero(np.append(True, owners[1:] != owners[:-1])) if len(owners) else np.zeros(0, np.int64)
    return np.append(first, len(keys)).astype(np.uint32), (keys & 0xFFFFFFFF).astype(np.uint32), owners[first]


def joined_events(parts: Sequence[LooseEvents], fields: Mapping[str, Field]) -> LooseEvents:
    """The events of `parts`, one after the other."""
    names = dict.fromkeys(name for part in parts for name in part.columns if name in fields)
    columns = {
        name: joined(fields[name], [part.columns.get(name) or empty(fields[name], len(part.at)) for part in parts])
        for name in names
    }
    return LooseEvents(
        np.concatenate([part.contacts for part in parts]),
        np.concatenate([part.at for part in parts]),
        np.concatenate([part.order for part in parts]),
        columns,
    )
