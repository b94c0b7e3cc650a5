"""Sealed parts: a stretch of the events of one type, sorted by moment and indexed, never changed."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field
from dsl.typed import IsSet, OneOf
from engine.bitmaps import Rows, from_rows, to_array, to_mask
from engine.counting import Counts, add_each, add_each_capped
from engine.histories import Histories
from engine.native import kernel
from engine.reading import Column, Kept, Told
from engine.tables.amounts import Amounts
from engine.tables.by_text import TextCounts, told_apart
from engine.tables.joining import taken
from engine.tables.loose import MISSING_INT, LooseNumbers
from engine.tables.loose_events import LooseEvents
from engine.tables.prints import IdPrints
from engine.tables.sealed import Sealed, opened, sealed
from engine.tables.tallies import Tallies, TalliesToTheEnd
from engine.tables.text import SealedText
from engine.tables.times import TimeIndex
from storage import Array, BlockRef

FEW_ROWS = 4096
"""Windows of at most so many events are answered from the events themselves."""
KEPT_MOMENTS = 256
"""Where so many moments stand among the rows is kept, then forgotten at once."""
CODES = "codes_by_contact"
"""The array of a block that holds the codes of a property, contact by contact."""
NO_ROWS: Rows = np.empty(0, np.uint32)


@dataclass(frozen=True, slots=True)
class Purged:
    """What is left of a part without the events of erased contacts; None when nothing is."""

    part: SealedPart | None


class SealedPart:
    """Rows are sorted by moment, then acceptance.

    `first` is added to the stored acceptance numbers: a part can be built before it is known which events precede it.
    Where events were accepted one after the other in order of time, as most are, these are the rows and not stored.
    `who` are the contacts that occur, ascending; the rows of `who[i]` are `by_contact[starts[i]:starts[i + 1]]`, their
    moments are at the same places of `at_by_contact`; `first_at[i]` and `last_at[i]` are the ends of these.
    `codes` are, by property, those of texts that are told apart, in the same order. Blocks of earlier releases may lack
    moments and codes by contact: they are made when they are asked for.
    `seen` are fingerprints of the ids of its events, and of those that were purged from it. `purged` is set by who
    saved it without the events of erased contacts.
    """

    def __init__(
        self,
        arrays: dict[str, Any],
        columns: Mapping[str, Sealed],
        codes: Mapping[str, NDArray[Any]],
        times: TimeIndex,
        first: int,
    ) -> None:
        self._arrays = arrays
        self.size = len(arrays["contacts"])
        self._columns = columns
        self._codes = codes
        self.times = times
        self.first = first
        self.seen = IdPrints(arrays["id_high"], arrays["id_low"])
        self.ref: BlockRef | None = None
        self.purged: Purged | None = None
        self._firsts: dict[int, int] = {}
        self._amounts: dict[str, Amounts] = {}
        self._texts: dict[str, frozenset[str]] = {}
        self._text_counts: dict[str, TextCounts] = {}
        self._told: dict[str, Told] = {}

    @classmethod
    def of(cls, events: LooseEvents, first: int, seen: IdPrints) -> SealedPart:
        """Sort and index; `first` is not above any of `events.order`."""
        events = events.in_order_of_time()
        histories = Histories.of(events.contacts, events.at)
        order = (events.order - first).astype(np.uint32)
        arrays = {
            "contacts": events.contacts,
            "at": events.at,
            **({} if _is_each_row(order) else {"order": order}),
            "who": histories.who,
            "starts": histories.starts,
            "by_contact": histories.rows,
            "at_by_contact": histories.at,
            "first_at": histories.at[histories.starts[:-1]],
            "last_at": histories.at[histories.starts[1:] - np.uint32(1)],
            "id_high": seen.high,
            "id_low": seen.low,
        }
        columns = {name: sealed(column) for name, column in events.columns.items()}
        held = {name: column for name, column in columns.items() if column.estimate(IsSet())}
        codes = {n: _codes_at(column, histories.rows) for n, column in held.items() if _has_few_codes(column)}
        return cls(arrays, held, codes, TimeIndex.of(events.contacts, events.at), first)

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

    def unmade(self, kept: Kept, name: str = "") -> int | None:
        column = self._columns.get(name)
        match kept:
            case Kept.COUNTS:
                made = "_tallies" in self.__dict__
            case Kept.CAPPED_COUNTS:
                made = "_tallies_to_the_end" in self.__dict__
            case Kept.TOTALS | Kept.MEANS | Kept.LEAST | Kept.GREATEST:
                if not isinstance(column, LooseNumbers) or column.data.dtype.kind == "f":
                    return None
                made = name in self._amounts and self._amounts[name].has(kept)
            case Kept.TEXTS:
                if not isinstance(column, SealedText):
                    return None
                made = name in self._text_counts
        return 0 if made else self.size

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
            self.histories.tally(asked, low, high, counts)

    def tally_people(self, counts: Counts, start: int | None, end: int | None) -> None:
        self._tallies_of_people.add(counts, *self.bounds(start, end))

    def tally_capped(self, counts: NDArray[np.uint8], start: int | None, end: int | None) -> NDArray[np.uint8] | None:
        low, high = self.bounds(start, end)
        if high - low <= FEW_ROWS:
            add_each_capped(counts, self.contacts[low:high])
        elif high == self.size:
            return self._tallies_to_the_end.add(counts, low)
        else:
            self._tallies.add_capped(counts, low, high)
        return None

    @cached_property
    def _tallies(self) -> Tallies:
        return Tallies(self.contacts, self.most)

    @cached_property
    def _tallies_to_the_end(self) -> TalliesToTheEnd:
        return TalliesToTheEnd(self.contacts)

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
            self._text_counts[name] = TextCounts(column, self.places, arrays["starts"], arrays["by_contact"])
        return self._text_counts[name]

    def rows_of(self, contacts: BitMap) -> Rows:
        return self.histories.of_contacts(to_array(contacts))

    def rows_of_one(self, contact: int) -> Rows:
        return self.histories.of_one(contact)

    def rows_of_between(self, contacts: BitMap, start: int | None, end: int | None) -> Rows:
        return np.sort(self.histories.of_contacts_between(to_array(contacts), *self.bounds(start, end)))

    @cached_property
    def histories(self) -> Histories:
        arrays = self._arrays
        at = arrays.get("at_by_contact")
        rows = arrays["by_contact"]
        return Histories(arrays["who"], arrays["starts"], rows, self.at[rows] if at is None else at)

    def told(self, name: str, rows: Rows | None) -> Told | None:
        column = self._columns.get(name)
        if not _has_few_codes(column):
            return None
        if name not in self._told:
            codes = self._codes.get(name)
            ordered = _codes_at(column, self.histories.rows) if codes is None else codes
            self._told[name] = Told(ordered, column.dictionary.folded())
        whole = self._told[name]
        return whole if rows is None else Told(_codes_at(column, rows), whole.texts)

    def edges(self, last: bool, start: int | None, end: int | None) -> BitMap | None:
        low, high = self.bounds(start, end)
        if (high < self.size) if last else low:
            return None
        rows = self._last if last else self._first
        return rows if high - low == self.size else rows & BitMap(range(low, high))

    def edge_moments(self, last: bool) -> NDArray[np.int64]:
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
        for number, (name, column) in enumerate(self._columns.items()):
            arrays |= {f"{number}/{array}": values for array, values in column.arrays().items()}
            if name in self._codes:
                arrays[f"{number}/{CODES}"] = self._codes[name]
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
        codes = {name: arrays[key] for number, name in enumerate(names) if (key := f"{number}/{CODES}") in arrays}
        return cls(own, columns, codes, TimeIndex.opened(below(arrays, "times/")), first)


def below(arrays: Mapping[str, Any], prefix: str) -> dict[str, Any]:
    """The arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


@kernel("u4[]", "u4[]", "out u4[]")
def _put_places(starts: Rows, by_contact: Rows, places: Rows) -> None:
    """The number of the stretch between `starts` that each row is in."""
    for place in range(starts.size - 1):
        for position in range(starts[place], starts[place + 1]):
            places[by_contact[position]] = place


def _has_few_codes(column: Column | None) -> TypeGuard[SealedText]:
    """Whether its texts are told apart by codes of two bytes."""
    return isinstance(column, SealedText) and told_apart(column) and len(column.dictionary) < 1 << 15


def _codes_at(column: SealedText, rows: Rows) -> NDArray[np.int16]:
    return column.codes[rows].astype(np.int16, copy=False)


def _is_each_row(numbers: NDArray[np.uint32]) -> bool:
    """Whether these are 0, 1, 2…"""
    return bool((numbers == np.arange(len(numbers), dtype=np.uint32)).all())
