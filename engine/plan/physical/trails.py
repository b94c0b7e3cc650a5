"""Selected events of many contacts on one time line, and the joins that put them in order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.moments import Duration, Unit
from dsl.schema import Field, Type
from engine.bitmaps import from_rows, to_mask
from engine.deadline import still_wanted
from engine.plan.physical.calendar import months_later
from engine.plan.physical.identities import Known, compact, tag_set_identities, text_identities
from engine.plan.physical.numbers import Array
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Picked, Selection
from engine.plan.physical.space import Domain, PartSpace, in_stretches
from engine.tables.groups import spans

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

POSITIONS = 1 << 62
"""Positions on a line are below this, so that they can be compared as int64."""

NEVER = np.iinfo(np.int64).max


@dataclass(frozen=True, slots=True)
class Values:
    """A value for each event of a trail; entries that are not present hold an arbitrary number."""

    numbers: Array
    present: Mask

    def at(self, chosen: Mask | NDArray[np.integer] | slice) -> Values:
        return Values(self.numbers[chosen], self.present[chosen])

    def codes(self, missing: int) -> Array:
        """Small numbers from 0, equal where the values are; `missing` where there is none."""
        return np.where(self.present, compact(self.numbers), missing)


Slot = tuple[int, str]
"""A property of the event of a step, by the step's position in the sequence."""


@dataclass(frozen=True, slots=True)
class Trail:
    """Events with the values that steps compare, perhaps of steps before this one.

    Those without values are in order of contact and tick: joins cost a fraction then.
    """

    contacts: Ints
    ticks: Ints
    values: dict[Slot, Values]

    def at(self, chosen: Mask | NDArray[np.integer]) -> Trail:
        if chosen.dtype == np.bool_ and chosen.all():
            return self
        values = {slot: values.at(chosen) for slot, values in self.values.items()}
        return Trail(self.contacts[chosen], self.ticks[chosen], values)

    def with_values(self, slots: Iterable[Slot]) -> Trail:
        return replace(self, values={slot: self.values[slot] for slot in slots})


# --- reading -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Gathered:
    """Events as they lie in the parts."""

    contacts: NDArray[np.uint32]
    at: Ints
    values: dict[Slot, Values]

    @property
    def everyone(self) -> BitMap:
        still_wanted()
        return from_rows(self.contacts)

    def of(self, contacts: BitMap, size: int) -> Gathered:
        """The events of some contacts, of rows below `size`."""
        still_wanted()
        kept = to_mask(contacts, size)[self.contacts]
        still_wanted()
        return self if kept.all() else self.chosen(kept)

    def chosen(self, rows: Mask | NDArray[np.integer] | slice) -> Gathered:
        values = {slot: values.at(rows) for slot, values in self.values.items()}
        return Gathered(self.contacts[rows], self.at[rows], values)


def of_some(gathered: Sequence[Gathered], size: int) -> Iterator[list[Gathered]]:
    """The events of all steps, of so few contacts (all below `size`) at a time that joining them is soon done."""
    for chosen in in_stretches([events.contacts for events in gathered], size):
        yield [events.chosen(rows) for events, rows in zip(gathered, chosen, strict=True)]


def gather(
    events: Selection, properties: dict[Slot, Field], context: Context, within: BitMap, known: Known
) -> Gathered:
    """The selected events and their properties: of those in `within` alone when these are few, else of all."""
    parts = list(events.picked(context, Domain.of(context.space, within)))
    still_wanted()
    total = sum(picked.places.size for picked in parts)
    contacts, at, filled = np.empty(total, np.uint32), np.empty(total, np.int64), 0
    for some in (stretch for picked in parts for stretch in picked.stretches()):
        end = filled + some.places.size
        contacts[filled:end], at[filled:end] = some.part.contacts[some.rows], some.part.at[some.rows]
        filled = end
    values = {slot: _values([_part_values(p, field, known) for p in parts]) for slot, field in properties.items()}
    still_wanted()
    return Gathered(contacts, at, values)


def _values(parts: list[Values]) -> Values:
    numbers = [values.numbers for values in parts] or [np.empty(0, np.int64)]
    return Values(np.concatenate(numbers), np.concatenate([np.empty(0, np.bool_), *(v.present for v in parts)]))


def _part_values(picked: Picked, field: Field, known: Known) -> Values:
    still_wanted()
    rows = picked.row_numbers()
    column = PartSpace(picked.part).column(field.name)
    if column is None:
        return Values(np.zeros(rows.size, np.int64), np.zeros(rows.size, np.bool_))
    match field.type:
        case Type.TEXT | Type.CHOICE:
            return Values(*text_identities(column, rows, known))
        case Type.TAGS:
            return Values(*tag_set_identities(column, rows, known))
        case _:
            return Values(*column.numbers(rows))


# --- the line ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Line:
    """Time as ticks 0..size-1, and groups (contacts, mostly) one after the other, each as long as all time.

    Ticks are milliseconds from `low` on, or the ranks of `moments` where whole milliseconds would not fit: between
    two moments there is nothing to be told apart.
    """

    low: int
    size: int
    zone: str
    moments: Ints | None = None

    @classmethod
    def of(cls, events: Sequence[Gathered], groups: int, zone: str) -> Line:
        """A line for these events in at most so many groups."""
        held = [gathered.at for gathered in events if gathered.at.size]
        low, high = min(int(at.min()) for at in held), max(int(at.max()) for at in held)
        if (high - low + 1) * groups < POSITIONS:
            return cls(low, high - low + 1, zone)
        ordered = np.sort(np.concatenate(held))
        moments = ordered[np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1]))]
        return cls(low, moments.size, zone, moments)

    @property
    def last(self) -> int:
        return self.size - 1

    def tick(self, at: Ints) -> Ints:
        """The last tick not later than each instant, none of which is before the first."""
        if self.moments is None:
            return np.minimum(at - self.low, self.last)
        return np.searchsorted(self.moments, at, side="right") - 1

    def until(self, ticks: Ints, gap: int | Duration | None) -> Ints:
        """The last tick that is not later than `gap` after each."""
        if gap is None:
            return np.full(ticks.size, self.last, np.int64)
        at = ticks + self.low if self.moments is None else self.moments[ticks]
        return self.tick(self._later(at, gap))

    def _later(self, at: Ints, gap: int | Duration) -> Ints:
        latest = self.low + self.last if self.moments is None else int(self.moments[-1])
        if isinstance(gap, Duration):
            months = gap.count * 12 if gap.unit is Unit.YEAR else gap.count
            return np.maximum(months_later(at, months, self.zone, latest), self.low)
        return at + min(gap, latest - self.low)

    def trail(self, gathered: Gathered) -> Trail:
        contacts, ticks = gathered.contacts.astype(np.int64), self.tick(gathered.at)
        if not gathered.values:
            positions = np.sort(self.positions(contacts, ticks))
            contacts = positions // self.size
            ticks = positions - contacts * self.size
        return Trail(contacts, ticks, gathered.values)

    def positions(self, groups: Ints, ticks: Ints) -> Ints:
        return groups * self.size + ticks

    # --- joins ---

    def next_ticks(self, states: Trail, groups: Ints, events: Trail, event_groups: Ints) -> Ints:
        """The tick of the first event of its group after each state; beyond the last tick where there is none."""
        following = np.append(np.sort(self.positions(event_groups, events.ticks)), NEVER)
        own = self.positions(groups, states.ticks)
        return following[_search(following, own, "right")] - groups * self.size

    def reached(self, states: Trail, groups: Ints, limits: Ints, events: Trail, event_groups: Ints) -> Mask:
        """Which events come after some state of their group, and not after its limit, a tick."""
        own, ends = self.positions(groups, states.ticks), self.positions(groups, limits)
        order = _order(own)
        # Limits lie in their group's stretch of the line, so that those of earlier groups reach into no later one.
        farthest = np.maximum.accumulate(ends[order])
        asked = self.positions(event_groups, events.ticks)
        before = _search(own[order], asked, "left") - 1
        return (before >= 0) & (farthest[before] >= asked)


def _order(positions: Ints) -> slice | NDArray[np.intp]:
    return slice(None) if (positions[1:] >= positions[:-1]).all() else np.argsort(positions)


def _search(ordered: Ints, asked: Ints, side: Literal["left", "right"]) -> NDArray[np.intp]:
    """numpy's searchsorted, which is many times faster for what ascends."""
    order = _order(asked)
    found = np.empty(asked.size, np.intp)
    found[order] = np.searchsorted(ordered, asked[order], side=side)
    return found


# --- values that must agree ------------------------------------------------------------------------------------


def grouped(left: Ints, right: Ints, pairs: Iterable[tuple[Values, Values]]) -> tuple[Ints, Ints]:
    """Groups of both sides, equal where the groups given are and the two values of each pair, which are there."""
    both: Ints = np.concatenate([left, right])
    for ours, theirs in pairs:
        numbers = np.concatenate([ours.numbers, theirs.numbers])
        codes = compact(numbers)
        width = int(codes.max(initial=0)) + 1
        codes[: left.size][~ours.present] = width
        codes[left.size :][~theirs.present] = width + 1
        both = compact(both * (width + 2) + codes)
    return both[: left.size], both[left.size :]


def in_decimals(values: Values, decimals: int, fewer: int) -> Values:
    """Physical numbers of `decimals` as those of no more; what these cannot express equals none of them."""
    factor = 10 ** (decimals - fewer)
    if factor == 1:
        return values
    return Values(values.numbers // factor, values.present & (values.numbers % factor == 0))


def spread(states: Trail, slots: Sequence[Slot], events: Trail) -> tuple[Ints, Trail, Ints]:
    """Each event once for each combination of `slots` that its contact's states hold, with these values.

    Gives the groups of the states (one for each combination), the events, and their groups.
    """
    combinations = states.contacts
    for slot in slots:
        codes = states.values[slot].codes(-1) + 1
        combinations = compact(combinations * (int(codes.max(initial=0)) + 1) + codes)
    # Some state of each combination stands for it.
    held = np.full(int(combinations.max(initial=-1)) + 1, -1, np.int64)
    held[combinations] = np.arange(states.contacts.size)
    some = held[held >= 0]
    some = some[np.argsort(states.contacts[some])]
    whose = states.contacts[some]
    start, end = _search(whose, events.contacts, "left"), _search(whose, events.contacts, "right")
    chosen = some[spans(start, end)]
    repeated = events.at(np.repeat(np.arange(events.contacts.size), end - start))
    values = {slot: states.values[slot].at(chosen) for slot in slots}
    return combinations, replace(repeated, values=repeated.values | values), combinations[chosen]
