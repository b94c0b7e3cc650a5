"""Selected events of many contacts in order of time, and the joins that tell which follow which."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.moments import Duration, Unit
from dsl.schema import Field, Type
from engine.bitmaps import Rows, Words, from_sorted, ones, to_array, to_words
from engine.deadline import still_wanted
from engine.native import kernel
from engine.parallel import on_every_core
from engine.plan.physical.calendar import months_later
from engine.plan.physical.identities import Known, compact, tag_set_identities, text_identities
from engine.plan.physical.numbers import Array
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Selection
from engine.plan.physical.space import Domain, PartSpace
from engine.reading import EventPart
from engine.tables.groups import spans

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]

NEVER = np.iinfo(np.int64).max
BEFORE_ALL = np.iinfo(np.int64).min

AT_ONCE = 1 << 20
"""So many events are worked on between two looks at the deadline: some milliseconds."""
IN_CACHE = 1 << 16
"""Of about so many events what a join reads and writes at random stays in the processor's cache."""
SEEN_MEANWHILE = 64
"""How many events can be looked at one after the other while one contact is followed to its events."""
NOWHERE: Rows = np.empty(0, np.uint32)


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
    """Events in order of time: the place of each one's contact, its moment, and the values that steps compare."""

    places: Rows
    at: Ints
    values: Mapping[Slot, Values]

    def chosen(self, events: NDArray[np.integer]) -> Trail:
        """The same in another order, or some of them, some perhaps several times."""
        values = {slot: values.at(events) for slot, values in self.values.items()}
        return Trail(self.places[events], self.at[events], values)

    def kept(self, events: Mask) -> Trail:
        if events.all():
            return self
        values = {
            slot: Values(compressed(each.numbers, events), compressed(each.present, events))
            for slot, each in self.values.items()
        }
        return Trail(compressed(self.places, events), compressed(self.at, events), values)

    def piece(self, events: slice, first: int) -> Trail:
        """Some of the events, with places counted from `first`."""
        values = {slot: values.at(events) for slot, values in self.values.items()}
        return Trail(self.places[events] - np.uint32(first), self.at[events], values)

    def with_values(self, slots: Iterable[Slot]) -> Trail:
        return replace(self, values={slot: self.values[slot] for slot in slots})


# --- reading -------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """Selected rows of one part; they ascend."""

    part: EventPart
    rows: Rows | slice

    @property
    def size(self) -> int:
        return self.rows.stop - self.rows.start if isinstance(self.rows, slice) else self.rows.size

    @property
    def contacts(self) -> Rows:
        return self.part.contacts[self.rows]


def found(events: Selection, context: Context, contacts: BitMap) -> list[Found]:
    """The selected events of these contacts, and perhaps of others, part by part."""
    followed = worth_following(events, context, contacts)
    domain = Domain(len(contacts), to_array(contacts), contacts) if followed else Domain(context.space.size)
    parts = (Found(part, events.rows(context, part, domain)) for part in events.parts(context.version))
    return [part for part in parts if part.size]


def moments(events: Sequence[Found]) -> tuple[int, int]:
    """The first and the last moment of some events, at least one."""
    ends = [_ends(part) for part in events]
    return min(first for first, _ in ends), max(last for _, last in ends)


def _ends(events: Found) -> tuple[int, int]:
    at, rows = events.part.at, events.rows
    if not events.part.ordered:
        return int(at[rows].min()), int(at[rows].max())
    first, last = (rows.start, rows.stop - 1) if isinstance(rows, slice) else (rows[0], rows[-1])
    return int(at[first]), int(at[last])


def worth_following(events: Selection, context: Context, contacts: BitMap) -> bool:
    """Whether it takes less to follow these contacts to their events than to look at all events of the window."""
    window = sum(part.estimate_between(events.start, events.end) for part in events.parts(context.version))
    return len(contacts) * SEEN_MEANWHILE < window


@dataclass(frozen=True, slots=True)
class Crowd:
    """Contacts, numbered from 0 in the order of their rows: the numbers are their places.

    `contacts` are the rows; `words` the same as a set, and `before` how many are in the words before each.
    """

    contacts: Rows
    words: Words
    before: Rows

    @classmethod
    def of(cls, contacts: BitMap, size: int) -> Crowd:
        """Of contacts of rows below `size`."""
        words = to_words(contacts, size)
        held = np.bitwise_count(words).astype(np.uint32)
        return cls(to_array(contacts), words, np.cumsum(held, dtype=np.uint32) - held)

    @property
    def size(self) -> int:
        return self.contacts.size

    def trail(self, events: Sequence[Found], properties: Mapping[Slot, Field], known: Known) -> Trail:
        """Those of the events that are of these contacts, with some of their properties."""
        total = sum(part.size for part in events) + 1
        places, at, rows = np.empty(total, np.uint32), np.empty(total, np.int64), np.empty(total, np.uint32)
        ends = [0]
        for part in events:
            ends.append(self._taken(part, places, at, rows, ends[-1]))
        parts = [(part.part, rows[start:end]) for part, start, end in zip(events, ends, ends[1:], strict=False)]
        values = {slot: _values(parts, field, known) for slot, field in properties.items()}
        return _in_order(Trail(places[: ends[-1]], at[: ends[-1]], values))

    def _taken(self, events: Found, places: Rows, at: Ints, rows: Rows, filled: int) -> int:
        """Put the place, moment and row of each event behind the first `filled`; how many there are then."""
        part = events.part
        chosen, first = (NOWHERE, events.rows.start) if isinstance(events.rows, slice) else (events.rows, 0)
        for begin in range(0, events.size, AT_ONCE):
            still_wanted()
            end = min(begin + AT_ONCE, events.size)
            asked = (first + begin, first + end, chosen)
            filled = _take(part.contacts, part.at, *asked, self.words, self.before, places, at, rows, filled)
        return filled


def split(contacts: BitMap, events: int, most: int) -> Iterator[BitMap]:
    """Contacts that have `events` in all, so few at a time that these have about `most`."""
    pieces = min(events // most + 1, max(1, len(contacts)))
    for piece in np.array_split(to_array(contacts), pieces):
        still_wanted()
        yield contacts if pieces == 1 else from_sorted(piece)


def _values(parts: Sequence[tuple[EventPart, Rows]], field: Field, known: Known) -> Values:
    found = [_part_values(part, rows, field, known) for part, rows in parts]
    numbers = [values.numbers for values in found] or [np.empty(0, np.int64)]
    return Values(np.concatenate(numbers), np.concatenate([np.empty(0, np.bool_), *(v.present for v in found)]))


def _part_values(part: EventPart, rows: Rows, field: Field, known: Known) -> Values:
    still_wanted()
    column = PartSpace(part).column(field.name)
    if column is None:
        return Values(np.zeros(rows.size, np.int64), np.zeros(rows.size, np.bool_))
    match field.type:
        case Type.TEXT | Type.CHOICE:
            return Values(*text_identities(column, rows, known))
        case Type.TAGS:
            return Values(*tag_set_identities(column, rows, known))
        case _:
            numbers, present = column.numbers(rows)
            return Values(numbers if numbers.dtype.kind == "f" else numbers.astype(np.int64, copy=False), present)


def compressed(data: NDArray[Any], kept: Mask) -> NDArray[Any]:
    """`data[kept]`, in a tenth of the time."""
    made = np.empty(kept.size + 1, data.dtype)
    return made[: _compress(data, kept, made)]


def _in_order(events: Trail) -> Trail:
    """The same in order of time: parts may overlap, and hold different types."""
    still_wanted()
    if (events.at[1:] >= events.at[:-1]).all():
        return events
    return events.chosen(np.argsort(events.at, kind="stable"))


# --- stretches -----------------------------------------------------------------------------------------------


def stretches(trails: Sequence[Trail], contacts: int) -> Iterator[tuple[int, int, list[Trail]]]:
    """Some contacts at a time, so few that joining their events stays in cache.

    Gives the first place and how many places there are, and the events, whose places count from the first.
    """
    pieces = sum(trail.at.size for trail in trails) // IN_CACHE
    if not pieces:
        yield 0, contacts, list(trails)
        return
    shift = max(0, (contacts // pieces).bit_length() - 1)
    parted = on_every_core(lambda trail: _parted(trail, shift, contacts), trails)
    for piece, first in enumerate(range(0, contacts, 1 << shift)):
        still_wanted()
        yield first, 1 << shift, [trail.piece(slice(*ends[piece : piece + 2]), first) for trail, ends in parted]


def _parted(trail: Trail, shift: int, contacts: int) -> tuple[Trail, list[int]]:
    """The events stretch by stretch of 2 ** `shift` places, and where each stretch begins and the last ends."""
    ends = np.zeros((contacts >> shift) + 2, np.int64)
    _count_stretches(trail.places, shift, ends)
    ends = np.cumsum(ends)

    def moved(data: NDArray[Any]) -> NDArray[Any]:
        still_wanted()
        made = np.empty_like(data)
        _move(trail.places, shift, ends.copy(), data, made)
        return made

    values = {
        slot: Values(moved(each.numbers), each.present if each.present.all() else moved(each.present))
        for slot, each in trail.values.items()
    }
    return Trail(moved(trail.places), moved(trail.at), values), ends.tolist()


# --- joins ---------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Span:
    """All time that some trails cover; `zone` is where months and years are counted."""

    low: int
    high: int
    zone: str

    @classmethod
    def of(cls, trails: Sequence[Trail], zone: str) -> Span:
        """Of trails at least one of which has an event."""
        held = [trail.at for trail in trails if trail.at.size]
        return cls(min(int(at[0]) for at in held), max(int(at[-1]) for at in held), zone)

    def until(self, at: Ints, gap: int | Duration | None) -> Ints:
        """The last moment that is not later than `gap` after each; beyond the span, any."""
        match gap:
            case None:
                return np.full(at.size, self.high, np.int64)
            case int(milliseconds):
                return at + min(milliseconds, self.high - self.low)
            case Duration(count, unit):
                months = count * 12 if unit is Unit.YEAR else count
                return months_later(at, months, self.zone, self.high)


@dataclass(frozen=True, slots=True)
class Groups:
    """The group of each state and of each event, numbers below `count`: only within a group does one follow another."""

    states: Rows
    events: Rows
    count: int

    def reached(self, states: Ints, limits: Ints, events: Ints) -> Mask:
        """Which events come after some state of their group, and not after its limit; all by their moments."""
        kept = np.empty(events.size, np.bool_)
        farthest = np.full(self.count, BEFORE_ALL, np.int64)
        passed = 0
        for begin in range(0, events.size, AT_ONCE):
            still_wanted()
            end = min(begin + AT_ONCE, events.size)
            passed = _reach(self.states, states, limits, passed, self.events, events, begin, end, farthest, kept)
        return kept

    def next(self, states: Ints, events: Ints) -> Ints:
        """The moment of the first event of its group after each state; NEVER where there is none."""
        found = np.empty(states.size, np.int64)
        nearest = np.full(self.count, NEVER, np.int64)
        left = events.size
        for end in range(states.size, 0, -AT_ONCE):
            still_wanted()
            begin = max(0, end - AT_ONCE)
            left = _look_ahead(self.states, states, begin, end, self.events, events, left, nearest, found)
        return found

    def agreeing(self, pairs: Iterable[tuple[Values, Values]]) -> Groups:
        """These groups parted by values: a state and an event share one where both values of each pair are equal."""
        made = self
        for ours, theirs in pairs:
            made = made._parted(ours, theirs)
        return made

    def _parted(self, ours: Values, theirs: Values) -> Groups:
        still_wanted()
        groups = np.concatenate([self.states, self.events])
        codes = compact(np.concatenate([ours.numbers, theirs.numbers]))
        parted = np.empty(groups.size, np.uint32)
        width = int(codes.max(initial=0)) + 1
        count = _part(groups, codes, self.count, width, parted)
        states, events = parted[: self.states.size], parted[self.states.size :]
        # What has no value equals nothing, not even what has none.
        states[~ours.present] = count
        events[~theirs.present] = count + 1
        return Groups(states, events, count + 2)


# --- values that must agree ------------------------------------------------------------------------------------


def in_decimals(values: Values, decimals: int, fewer: int) -> Values:
    """Physical numbers of `decimals` as those of no more; what these cannot express equals none of them."""
    factor = 10 ** (decimals - fewer)
    if factor == 1:
        return values
    return Values(values.numbers // factor, values.present & (values.numbers % factor == 0))


def spread(states: Trail, slots: Sequence[Slot], events: Trail) -> tuple[Rows, Trail, Rows, int]:
    """Each event once for each combination of `slots` that its contact's states hold, with these values.

    Gives the groups of the states (one for each combination), the events, their groups, and how many groups there are.
    """
    combinations = states.places.astype(np.int64)
    for slot in slots:
        codes = states.values[slot].codes(-1) + 1
        combinations = compact(combinations * (int(codes.max(initial=0)) + 1) + codes)
    # Some state of each combination stands for it.
    held = np.full(int(combinations.max(initial=-1)) + 1, -1, np.int64)
    held[combinations] = np.arange(states.places.size)
    some = held[held >= 0]
    some = some[np.argsort(states.places[some])]
    whose = states.places[some]
    start, end = _search(whose, events.places, "left"), _search(whose, events.places, "right")
    chosen = some[spans(start, end)]
    repeated = events.chosen(np.repeat(np.arange(events.places.size), end - start))
    values = {slot: states.values[slot].at(chosen) for slot in slots}
    of_events = combinations[chosen].astype(np.uint32)
    return (
        combinations.astype(np.uint32),
        replace(repeated, values={**repeated.values, **values}),
        of_events,
        held.size,
    )


def _search(ordered: Rows, asked: Rows, side: Literal["left", "right"]) -> NDArray[np.intp]:
    """numpy's searchsorted, which is many times faster for what ascends."""
    order = np.argsort(asked)
    found = np.empty(asked.size, np.intp)
    found[order] = np.searchsorted(ordered, asked[order], side=side)
    return found


# --- kernels -------------------------------------------------------------------------------------------------


@kernel("u4[]", "i8[]", "i8", "i8", "u4[]", "u8[]", "u4[]", "out u4[]", "out i8[]", "out u4[]", "i8")
def _take(
    contacts: Rows,
    moments: Ints,
    begin: int,
    end: int,
    chosen: Rows,
    words: Words,
    before: Rows,
    places: Rows,
    at: Ints,
    rows: Rows,
    filled: Any,
) -> Any:
    """Those events of `chosen` (of all where it is empty) begin <= i < end whose contact is in `words`.

    Each is written, and the next one over it unless it is wanted: a branch would be foretold wrongly too often.
    """
    for i in range(begin, end):
        row = chosen[i] if chosen.size else i
        contact = contacts[row]
        key, bit = contact >> np.uint32(6), np.uint64(contact & np.uint32(63))
        word = words[key]
        places[filled] = before[key] + ones(word & ((np.uint64(1) << bit) - np.uint64(1)))
        at[filled] = moments[row]
        rows[filled] = row
        filled += np.int64((word >> bit) & np.uint64(1))
    return filled


@kernel("u4[]", "i8", "out i8[]")
def _count_stretches(places: Rows, shift: int, counts: Ints) -> None:
    """Count the events of each stretch, one place behind its own: the sums are where stretches begin."""
    for place in places:
        counts[(place >> shift) + 1] += 1


@kernel("u4[]", "i8", "out i8[]", "T[]", "out T[]", T=("u4", "i8", "f8", "b1"))
def _move(places: Rows, shift: int, ends: Ints, data: NDArray[Any], moved: NDArray[Any]) -> None:
    """Put what belongs to each event into its stretch, in order; `ends` is where the next of each stretch goes."""
    for event in range(places.size):
        stretch = places[event] >> shift
        moved[ends[stretch]] = data[event]
        ends[stretch] += 1


@kernel("T[]", "b1[]", "out T[]", T=("u4", "i8", "f8", "b1"))
def _compress(data: NDArray[Any], kept: Mask, made: NDArray[Any]) -> int:
    """Write what is kept, without a branch; how many that is."""
    count = 0
    for place in range(data.size):
        made[count] = data[place]
        count += kept[place]
    return count


@kernel("u4[]", "i8[]", "i8[]", "i8", "u4[]", "i8[]", "i8", "i8", "out i8[]", "out b1[]")
def _reach(
    state_groups: Rows,
    states: Ints,
    limits: Ints,
    passed: int,
    event_groups: Rows,
    events: Ints,
    begin: int,
    end: int,
    farthest: Ints,
    kept: Mask,
) -> int:
    """One sweep through time: `farthest` is the last limit of the states of each group that were `passed`."""
    for event in range(begin, end):
        now = events[event]
        while passed < states.size and states[passed] < now:
            group = state_groups[passed]
            farthest[group] = max(farthest[group], limits[passed])
            passed += 1
        kept[event] = farthest[event_groups[event]] >= now
    return passed


@kernel("u4[]", "i8[]", "i8", "i8", "u4[]", "i8[]", "i8", "out i8[]", "out i8[]")
def _look_ahead(
    state_groups: Rows,
    states: Ints,
    begin: int,
    end: int,
    event_groups: Rows,
    events: Ints,
    left: int,
    nearest: Ints,
    found: Ints,
) -> int:
    """One sweep back in time: `nearest` is the first moment of the events of each group from event `left` on."""
    for state in range(end - 1, begin - 1, -1):
        now = states[state]
        while left and events[left - 1] > now:
            left -= 1
            nearest[event_groups[left]] = events[left]
        found[state] = nearest[state_groups[state]]
    return left


@kernel("u4[]", "i8[]", "i8", "i8", "out u4[]")
def _part(groups: Rows, codes: Ints, count: int, width: int, parted: Rows) -> int:
    """Number the pairs of group and code (below `width`) that occur, in `parted`; how many there are.

    What is of one group comes together by a counting sort; then one array says for each code which of its pairs was
    numbered last, and in which group that was.
    """
    starts = np.zeros(count + 1, np.uint32)
    for group in groups:
        starts[group + 1] += np.uint32(1)
    for before in range(count):
        starts[before + 1] += starts[before]
    order = np.empty(groups.size, np.uint32)
    for i in range(groups.size):
        order[starts[groups[i]]] = i
        starts[groups[i]] += np.uint32(1)
    numbers, groups_of = np.zeros(width, np.uint32), np.full(width, -1, np.int64)
    numbered = 0
    for each in order:
        code = codes[each]
        if groups_of[code] != groups[each]:
            groups_of[code] = groups[each]
            numbers[code] = numbered
            numbered += 1
        parted[each] = numbers[code]
    return numbered
