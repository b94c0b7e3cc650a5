"""Row spaces: what an operator works on. Contacts, companies, or the events of one part."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.immutable import Immutable
from engine.bitmaps import Words, from_mask, members, to_array, to_words
from engine.deadline import still_wanted
from engine.plan.physical.moments import MomentColumn
from engine.reading import Column, ColumnPredicate, Entities, EventPart

SPARSE = 64
"""Candidates are few when they are fewer than one row in this many: then work follows them, not the data."""


class Space(Protocol):
    """Numbered rows with columns."""

    @property
    def size(self) -> int:
        """The upper bound of row numbers."""

    @property
    def everything(self) -> BitMap:
        """Every row that exists."""

    @property
    def words(self) -> Words:
        """The same as words, which nobody changes."""

    @property
    def existing(self) -> int:
        """How many these are."""

    def column(self, name: str) -> Column | None: ...

    def dense(self, name: str, predicate: ColumnPredicate) -> Words | None:
        """All rows whose value of a column satisfies a predicate, as words that nobody changes, if those are kept."""


class EntitySpace(Immutable, frozen=True):
    """Contacts or companies; erased rows are not part of everything."""

    entities: Entities

    @property
    def size(self) -> int:
        return self.entities.size

    @property
    def everything(self) -> BitMap:
        return self.entities.alive

    @property
    def words(self) -> Words:
        return self.entities.living

    @property
    def existing(self) -> int:
        return len(self.entities.alive)

    def column(self, name: str) -> Column | None:
        return self.entities.column(name)

    def dense(self, name: str, predicate: ColumnPredicate) -> Words | None:
        column = self.entities.column(name)
        return None if column is None else column.words(predicate, self.entities.size)


class PartSpace(Immutable, frozen=True):
    """The events of one part; `at` is a column like any other."""

    part: EventPart

    @property
    def size(self) -> int:
        return self.part.size

    @property
    def everything(self) -> BitMap:
        return BitMap(range(self.part.size))

    @property
    def words(self) -> Words:
        return to_words(self.everything, self.part.size)

    @property
    def existing(self) -> int:
        return self.part.size

    def column(self, name: str) -> Column | None:
        return MomentColumn(self.part) if name == "at" else self.part.column(name)

    def dense(self, name: str, predicate: ColumnPredicate) -> None:
        """None: there are too many events to keep words of each value."""
        return


def candidates(space: Space) -> BitMap | None:
    """What to ask about to ask about everything: None when every row number below `size` exists.

    Indexes may still name erased rows, so where there are any, operators are asked within the living.
    """
    return None if space.existing == space.size else space.everything


def asks_all(within: BitMap | None, space: Space) -> bool:
    """Whether these candidates are all rows that exist, as `candidates` gives them."""
    return within is None or within is space.everything


def existing(found: Words, within: BitMap | None, space: Space) -> Words:
    """What was found among all rows, without those that do not exist; `within` is what `asks_all` was asked of."""
    return found if within is None else found & space.words


def few(within: BitMap | None, space: Space) -> bool:
    return within is not None and len(within) * SPARSE < space.size


def are_few(words: Words, space: Space) -> bool:
    return members(words) * SPARSE < space.size


STRETCH_EVENTS = 1 << 17
"""Events of so many are worked on between two looks at the deadline."""


ORDERED_AT_ONCE = 1 << 19
"""So many events are put in order between two looks at the deadline: some milliseconds."""


def in_stretches(owners: Sequence[NDArray[np.integer]], size: int) -> Iterator[list[NDArray[np.intp] | slice]]:
    """The positions of events in several arrays, stretch by stretch of their owners (contacts, or places) below `size`.

    No owner's events lie in two stretches, and positions ascend.
    """
    stretches = sum(each.size for each in owners) // STRETCH_EVENTS + 1
    width = size // stretches + 1
    if stretches == 1:
        yield [slice(None)] * len(owners)
        return
    ordered = [_by_stretch(each, width) for each in owners]
    for stretch in range(-(-size // width)):
        still_wanted()
        yield [order[ends[stretch] : ends[stretch + 1]] for order, ends in ordered]


def _by_stretch(owners: NDArray[np.integer], width: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Positions stretch by stretch, and where each stretch begins."""
    pieces = range(0, owners.size, ORDERED_AT_ONCE)
    stretch = np.empty(owners.size, np.uint16)
    sizes = np.zeros(1 << 16, np.int64)
    for begin in pieces:
        still_wanted()
        piece = slice(begin, begin + ORDERED_AT_ONCE)
        stretch[piece] = owners[piece] // width
        sizes += np.bincount(stretch[piece], minlength=1 << 16)
    ends = np.append(0, np.cumsum(sizes))
    order, free = np.empty(owners.size, np.intp), ends[:-1].copy()
    for begin in pieces:
        still_wanted()
        own = stretch[begin : begin + ORDERED_AT_ONCE]
        local = np.argsort(own, kind="stable")
        held = np.bincount(own, minlength=1 << 16)
        # Those of one stretch follow those of earlier pieces: `free` is where its next one goes.
        order[np.arange(own.size) + np.repeat(free - (np.cumsum(held) - held), held)] = local + begin
        free += held
    return order, ends


@dataclass(frozen=True, slots=True)
class Domain:
    """The rows for which arrays of values are computed: one place for each.

    `rows` are the row numbers of the places, ascending; None when they are simply 0..size-1. Where there is a `part`,
    the places are those of its people, and one more for whoever has no event.
    """

    size: int
    rows: NDArray[np.uint32] | None = None
    bitmap: BitMap | None = None
    part: EventPart | None = None

    @classmethod
    def of(cls, space: Space, within: BitMap | None) -> Domain:
        """All rows of the space, or just the candidates when they are few."""
        if within is None or not few(within, space):
            return cls(space.size)
        return cls(len(within), to_array(within), within)

    @classmethod
    def of_people(cls, part: EventPart) -> Domain:
        """All who have events in a part, for terms of its events alone."""
        return cls(len(part.people) + 1, part=part)

    def places(self, rows: NDArray[np.uint32]) -> NDArray[np.uint32]:
        """The places of row numbers that all lie in the domain."""
        return rows if self.rows is None else np.searchsorted(self.rows, rows).astype(np.uint32)

    def all_rows(self) -> NDArray[np.uint32]:
        return np.arange(self.size, dtype=np.uint32) if self.rows is None else self.rows

    def select(self, mask: NDArray[np.bool_], within: BitMap | None) -> BitMap:
        """The rows of `within` at the places where `mask` is true."""
        if self.rows is not None:
            return BitMap(self.rows[mask])
        found = from_mask(mask)
        return found if within is None else found & within
