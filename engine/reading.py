"""What the planner may ask of data: the protocols that tables implement and operators read.

A `Version` is immutable: once published, it answers the same for ever, whatever is written after it. Readers take
no lock. Rows of a table are numbered from 0; those numbers are the bits of its bitmaps. Bitmaps that a reading
method returns may be shared with an index: callers never change them in place.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field, Schema, type_of_value
from dsl.typed import (
    Contains,
    EndsWith,
    ExactlyOneOf,
    HasAll,
    HasAny,
    IsSet,
    Like,
    Matches,
    OneOf,
    Range,
    StartsWith,
)
from engine.bitmaps import Words
from engine.counting import Counts
from engine.histories import Histories


@dataclass(frozen=True, slots=True, eq=False)
class Intervals:
    """A value in one of some closed intervals, whose ends are int64, or float64 of a column of floats; they ascend
    and do not overlap."""

    lows: NDArray[Any]
    highs: NDArray[Any]


ColumnPredicate = (
    OneOf
    | ExactlyOneOf
    | Range
    | Intervals
    | StartsWith
    | EndsWith
    | Contains
    | Like
    | Matches
    | HasAny
    | HasAll
    | IsSet
)
"""The predicates a column answers. `During` became a closed `Range` of physical values when the clock was bound."""


class Order(Protocol):
    """The rows of a column of numbers in the order of their values."""

    @property
    def data(self) -> NDArray[Any]:
        """The value of each row: whole numbers of any width, or float64."""

    @property
    def ends(self) -> tuple[Any, Any] | None:
        """The least and the greatest value; None when there is none."""

    @property
    def distinct(self) -> NDArray[Any] | None:
        """The different values, ascending; None when they are not much fewer than the rows."""

    def count(self, predicate: ColumnPredicate) -> int | None:
        """How many rows have a value that satisfies `predicate`; None for what the order does not tell."""

    def matching(self, predicate: ColumnPredicate) -> BitMap | None:
        """The rows that have a value that satisfies `predicate`; None for what the order does not tell."""

    def words(self, predicate: ColumnPredicate) -> Words | None:
        """The same as words that nobody changes, of as many rows as `data` has; None also where they are not dense."""

    def leading(self, members: BitMap, keep: int, largest: bool) -> BitMap | None:
        """The `keep` of `members` with the largest, or least, values, and others that have the last of these too.

        None when fewer than `keep` of them have a value.
        """


class Column(Protocol):
    """The values of one field for the rows of one table (or of one part of an event table)."""

    @property
    def field(self) -> Field: ...

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        """Rows whose value satisfies `predicate`, among `within` when given. Missing values never do."""

    def words(self, predicate: ColumnPredicate, size: int) -> Words | None:
        """The same among all rows of a table of `size`, as words that nobody changes; None where they are not at hand,
        or so few that a bitmap is better."""

    def by_value(self) -> tuple[Order, BitMap] | None:
        """The order of the values, and the rows that have others than it tells; None where there is no order."""

    def counted(self, predicate: ColumnPredicate) -> int | None:
        """How many rows `matching` would return, where that is told without them."""

    def estimate(self, predicate: ColumnPredicate) -> int:
        """About how many rows `matching` would return; cheap (microseconds), exact where an index knows."""

    @property
    def searched(self) -> int:
        """About how many texts a search looks through: different ones where they are known; 0 where values are none."""

    @property
    def scanned(self) -> int:
        """About how many values a range is compared with; 0 where an index or an order tells the rows."""

    def values(self, rows: NDArray[np.uint32]) -> list[type_of_value | None]:
        """Physical values of `rows`, in their order; None where missing."""

    def value(self, row: int) -> type_of_value | None:
        """The physical value of one row."""

    def numbers(self, rows: NDArray[np.uint32]) -> tuple[NDArray[np.int64] | NDArray[np.float64], NDArray[np.bool_]]:
        """Values of a number, float, boolean, date or datetime column at `rows`, and which of them are present.

        Entries that are not present hold an arbitrary number. Text and choice columns give codes: equal folded
        texts have equal codes within this column; tags columns raise TypeError.
        """

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]:
        """How many rows of `within` have each value (for tags: each tag); missing values are not counted."""


class ByPlace(Protocol):
    """A number for each of the people of a part of whatever stretch of its rows."""

    def add(self, numbers: NDArray[Any], low: int, high: int) -> None:
        """Bring that of the rows low <= row < high into `numbers`, by place among the people; the caller knows that it
        fits."""


@dataclass(frozen=True, slots=True, eq=False)
class Told:
    """The texts of a property that are told apart by code: that of each of some events is -1 where it has none; `texts`
    are folded, by code."""

    codes: NDArray[np.int16]
    texts: Sequence[str]


class TextCounts(ByPlace, Protocol):
    """How many different texts each has."""

    @property
    def bound(self) -> int:
        """None has more."""


class Amounts(Protocol):
    """What the events of a part have for a property of whole numbers, whose rows are in order of time."""

    @property
    def type(self) -> type[np.signedinteger[Any]]:
        """That of the values: int32 or int64; its least number stands for none."""

    @property
    def bound(self) -> int:
        """The sum of no contact's values has a larger magnitude."""

    @property
    def totals(self) -> ByPlace | None:
        """Sums of the values; None where int64 might not hold them."""

    @property
    def held(self) -> ByPlace:
        """How many events have a value."""

    def extremes(self, greatest: bool) -> ByPlace:
        """The largest value, in `type` or a wider one; the largest of all their opposites when not `greatest`."""


class Kept(Enum):
    """What a part makes when it is first asked for it, and keeps."""

    COUNTS = auto()
    CAPPED_COUNTS = auto()
    TOTALS = auto()
    MEANS = auto()
    LEAST = auto()
    GREATEST = auto()
    TEXTS = auto()


class EventPart(Protocol):
    """A stretch of the events of one type. Rows are numbered 0..size-1 within the part."""

    @property
    def size(self) -> int: ...

    @property
    def contacts(self) -> NDArray[np.uint32]:
        """The contact row of each event row."""

    @property
    def people(self) -> NDArray[np.uint32]:
        """The contact rows that occur, ascending; none where they are not at hand."""

    @property
    def places(self) -> NDArray[np.uint32]:
        """Where the contact of each event row stands among these."""

    @property
    def at(self) -> NDArray[np.int64]:
        """The moment of each event row: milliseconds since 1970 UTC."""

    def order_of(self, rows: NDArray[np.uint32]) -> NDArray[np.int64]:
        """The acceptance numbers of event rows: ascending in the order in which events were accepted."""

    @property
    def ordered(self) -> bool:
        """Whether rows ascend by moment, then acceptance."""

    @property
    def earliest(self) -> int:
        """The moment of the first event; there is one."""

    @property
    def latest(self) -> int:
        """That of the last one."""

    def rows_between(self, start: int | None, end: int | None) -> BitMap | range:
        """Event rows with start <= at < end; a `range` when they are contiguous."""

    def cover(self, start: int | None, end: int | None) -> tuple[list[BitMap], NDArray[np.uint32]]:
        """Bitmaps, and contact rows in any order, that together are the contacts with an event in [start, end).

        This is the index behind `did X in last N days`: the covers of all parts are united at once.
        """

    def estimate_between(self, start: int | None, end: int | None) -> int:
        """About how many event rows lie in [start, end)."""

    def unmade(self, kept: Kept, name: str = "") -> int | None:
        """How many events have yet to be read before what is kept (of a property) is made; None where nothing is."""

    @property
    def most(self) -> int:
        """No contact has more events here."""

    def tally(self, counts: Counts, start: int | None, end: int | None) -> None:
        """Add to `counts`, by contact row, how many events in [start, end) it has; the caller knows they fit."""

    def tally_few(self, asked: NDArray[np.uint32], counts: Counts, start: int | None, end: int | None) -> None:
        """Add to `counts[i]` how many events in [start, end) contact row `asked[i]` has; these ascend."""

    def tally_people(self, counts: Counts, start: int | None, end: int | None) -> None:
        """As `tally`, by place among the people."""

    def tally_capped(self, counts: NDArray[np.uint8], start: int | None, end: int | None) -> NDArray[np.uint8] | None:
        """As `tally`, but counts stay at `counting.CAP` once they reach it, and what is returned is yet to be added to
        the first of them."""

    def amounts(self, name: str) -> Amounts | None:
        """None where they are not at hand: the property has no whole numbers, or rows are not in order of time."""

    def texts(self, name: str) -> Collection[str] | None:
        """The folded texts that events have for a property, and perhaps more; None where it is no text, or has too
        many of them to go from text to text."""

    def contacts_by_text(
        self, name: str, start: int | None, end: int | None, wanted: Collection[str]
    ) -> Iterator[tuple[str, NDArray[np.uint32]]]:
        """The contact of each event in [start, end) that has one of the `wanted` texts, which are some of `texts`."""

    def text_counts(self, name: str, start: int | None, end: int | None) -> TextCounts | None:
        """How many different texts the people have, where that is at hand: up to the last row, and [start, end) ends
        there."""

    @property
    def histories(self) -> Histories:
        """The events contact by contact."""

    def told(self, name: str, rows: NDArray[np.uint32] | None) -> Told | None:
        """The texts of a property, of some rows or in the order of `histories`; None where they are not at hand."""

    def rows_of(self, contacts: BitMap) -> NDArray[np.uint32]:
        """Event rows of these contacts, ordered by contact, then moment, then acceptance; for few contacts."""

    def rows_of_one(self, contact: int) -> NDArray[np.uint32]:
        """Event rows of a contact, ordered by moment, then acceptance."""

    def rows_of_between(self, contacts: BitMap, start: int | None, end: int | None) -> NDArray[np.uint32]:
        """Those of them in [start, end), ascending."""

    def edges(self, last: bool, start: int | None, end: int | None) -> BitMap | None:
        """Of each contact that has any, the row of the first or last event in [start, end); None if not at hand."""

    def column(self, name: str) -> Column | None:
        """A property column (or `id`); None when no row of this part has a value for it."""


@dataclass(frozen=True, slots=True)
class Recency:
    """Contacts with an event in a window, as an order tells: those whose first or last moment, the value in `order`,
    is from `low` to `high`; beside them, those with an event in the window in one of the `others`."""

    order: Order
    low: int
    high: int
    others: tuple[EventPart, ...]

    @property
    def window(self) -> Intervals:
        return Intervals(np.array([self.low]), np.array([self.high]))

    def count(self) -> int:
        """How many the order tells."""
        found = self.order.count(self.window)
        assert found is not None, "the order tells moments"
        return found

    def holds(self, contacts: NDArray[np.uint32]) -> NDArray[np.bool_]:
        """Which of these contacts, that ascend, the order tells."""
        held = np.zeros(len(contacts), np.bool_)
        known = int(contacts.searchsorted(len(self.order.data)))
        moments = self.order.data[contacts[:known]]
        np.logical_and(moments >= self.low, moments <= self.high, out=held[:known])
        return held


Distances = NDArray[np.uint32]
"""Milliseconds from each event of a part to another one; FAR where there is none so near."""
FAR = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Nearest:
    """For each event of `types`, the nearest one of the types `others` that is `later` than it, or else earlier, of its
    contact, and in which the second of two `texts` is equal to the first one of its own, if any are told."""

    types: tuple[str, ...]
    others: tuple[str, ...]
    later: bool
    texts: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Neighbours:
    """How far the nearest events are, part by part. Contacts with events in one of the `others` may have nearer ones,
    and events of their own there."""

    distances: Mapping[EventPart, Distances]
    others: tuple[EventPart, ...]


class Events(Protocol):
    """All events of one type: its parts, in any order. Parts hold no event of an erased contact
    that a reader would see: their `contacts` may name erased rows, which callers remove by `Entities.alive`."""

    @property
    def parts(self) -> Sequence[EventPart]: ...

    @property
    def size(self) -> int: ...


class Entities(Protocol):
    """Contacts or companies: rows with a unique id that is never given to another row."""

    @property
    def size(self) -> int:
        """Rows ever allotted, erased ones included: the upper bound of row numbers."""

    @property
    def alive(self) -> BitMap:
        """Rows that exist: allotted and not erased."""

    @property
    def living(self) -> Words:
        """The same as words, which nobody changes."""

    def row(self, id: str) -> int | None:
        """The row of a living id."""

    def ids(self, rows: NDArray[np.uint32]) -> list[str]: ...

    def first(self, rows: NDArray[np.uint32], count: int) -> NDArray[np.uint32]:
        """The `count` of living `rows` whose ids come first, in any order; all when they are no more."""

    @property
    def fingerprints(self) -> NDArray[np.uint64]:
        """`dsl.draw.fingerprint(id)` of every row."""

    def column(self, name: str) -> Column | None:
        """A declared or system column, link columns excluded; None when no row has a value for it."""


class Followed(Protocol):
    """Where a link leads from some contacts."""

    @property
    def companies(self) -> BitMap: ...

    def to(self, companies: BitMap) -> BitMap:
        """Those contacts whose company is among `companies`."""

    def count(self, companies: BitMap) -> int:
        """How many these are."""


class Link(Protocol):
    """Which company each contact belongs to."""

    @property
    def unmade(self) -> int:
        """How many contacts have yet to be read before those of a company are at hand."""

    def contacts_of(self, companies: BitMap, within: BitMap | None = None) -> BitMap:
        """Contacts whose company is among `companies`."""

    def words(self, companies: BitMap, size: int) -> Words | None:
        """The same of all `size` contacts as words that nobody changes; None where a bitmap is better."""

    def count_of(self, companies: BitMap) -> int:
        """How many these are, of all contacts; no contact is erased where that is asked."""

    def followed(self, contacts: BitMap) -> Followed:
        """The companies of few contacts."""

    def company_of(self, contact: int) -> int | None: ...


class Version(Protocol):
    """One consistent state of a workspace's data: every journal record up to `seq`, and none after it."""

    @property
    def seq(self) -> int: ...

    @property
    def schema(self) -> Schema: ...

    @property
    def contacts(self) -> Entities: ...

    @property
    def companies(self) -> Entities: ...

    @property
    def company_link(self) -> Link: ...

    def events(self, type: str) -> Events | None:
        """The events of a type; None when there is none yet."""

    def unordered(self, types: tuple[str, ...], start: int | None, end: int | None) -> int | None:
        """How many contacts have yet to be ordered before `recency` tells these; None where it does not."""

    def recency(self, types: tuple[str, ...], start: int | None, end: int | None) -> Recency | None:
        """The contacts with an event of these types in [start, end); None where no order tells, as of windows that
        end before other events."""

    def unmeasured(self, asked: Nearest) -> int | None:
        """How many events have yet to be looked at before `nearest` tells these; None where it does not."""

    def nearest(self, asked: Nearest) -> Neighbours | None:
        """None where the texts are not told apart, and while many events are being looked at."""
