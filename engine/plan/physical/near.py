"""Sequences of two steps told by distances: between each event and the nearest one that may follow, or precede it.

The nearest earlier event decides unless it may lie after the window of the first step, the nearest later one unless it
may lie before that of the second: a window that cuts off its other end only makes the room for it smaller.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from pyroaring import BitMap

from engine.bitmaps import Rows, Words, any_of, words_of
from engine.deadline import still_wanted
from engine.histories import Ints
from engine.native import kernel
from engine.parallel import CORES, on_every_core
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Selection
from engine.plan.physical.space import Domain
from engine.plan.physical.steps import LAST, Step, Steps
from engine.reading import FAR, Distances, EventPart, Nearest, Neighbours

ROWS_AT_ONCE = 1 << 18
"""So many distances are compared between two looks at the deadline."""
SHARED = 1 << 17
"""The cores share the comparing of more distances than this: that takes half a tenth of a millisecond."""

MEANWHILE = 128
"""So many distances can be compared while one contact is followed to its events."""

Chosen = tuple[EventPart, Rows | slice]
"""Rows of a part, which ascend."""


@dataclass(frozen=True, slots=True)
class Near:
    """Contacts with an event of `events` whose nearest one is no farther than `most` milliseconds, and not beyond
    `edge`, the last moment that a later one may have, or the first of an earlier one; with `absent`, those with an
    event of which that is not so. The nearest ones are any: only `events` may be chosen by a condition."""

    nearest: Nearest
    events: Selection
    most: int
    edge: int | None
    absent: bool

    @classmethod
    def of(cls, steps: Steps, gap: int | None, context: Context) -> Near | None:
        """Of the two that may tell of steps, that which measures fewer events; None where neither tells."""
        if len(steps) != 2 or gap is None:
            return None
        first, second = steps
        most = min(gap, _span(first.events, second.events, context))
        return _able(first, second, most, context) if most < FAR else None

    def is_worth_following(self, context: Context, asked: int) -> bool:
        """Whether it takes less to follow so many contacts to their events than to compare all distances."""
        return asked * MEANWHILE < context.estimate(self.events)

    def contacts(self, neighbours: Neighbours, context: Context) -> Words:
        """All of them but those with events in other parts."""
        everyone = Domain(context.space.size)
        shares = _shares([(part, self.events.rows(context, part, everyone)) for part in neighbours.distances])
        found = on_every_core(partial(self._of_share, neighbours, everyone.size), shares, worth=len(shares) > 1)
        return any_of(found)

    def _of_share(self, neighbours: Neighbours, size: int, share: list[Chosen]) -> Words:
        words = np.zeros(words_of(size), np.uint64)
        edge = 0 if self.edge is None else min(max(self.edge, -LAST), LAST)
        for part, rows in share:
            still_wanted()
            roomy, end = _ends(self._roomy(part))
            arrays = part.contacts, neighbours.distances[part], part.at
            limits = roomy, end, self.most, edge
            if isinstance(rows, slice):
                _add_near(rows.start, rows.stop, *arrays, *limits, self.nearest.later, self.absent, words)
            else:
                _add_near_among(rows, *arrays, *limits, self.nearest.later, self.absent, words)
        return words

    def _roomy(self, part: EventPart) -> BitMap | range:
        """The rows from which the edge is farther than the most that a distance may be."""
        if self.edge is None:
            return range(part.size)
        if self.nearest.later:
            return part.rows_between(None, self.edge - self.most)
        return part.rows_between(self.edge + self.most, None)


def _span(states: Selection, events: Selection, context: Context) -> int:
    """No event that has a distance comes later after a state, in milliseconds."""
    begins = [part.earliest for part in states.parts(context.version) if part.ordered]
    ends = [part.latest for part in events.parts(context.version) if part.ordered]
    first, last = min(begins, default=0), max(ends, default=0)
    first = first if states.start is None else max(first, states.start)
    return (last if events.end is None else min(last, events.end - 1)) - first


def _able(first: Step, second: Step, most: int, context: Context) -> Near | None:
    """Whether what comes before events is in time may take a look at moments: that is asked only where it decides."""
    states, events = first.events, second.events
    if len(second.same) > 1:
        return None
    texts = [(same.earlier.name, same.property.name) for same in second.same]
    by_first = events.where is None and _begins_in_time(events, states)
    by_second = not second.absent and states.where is None
    if by_first and by_second:
        by_second = _measured(events, context) < _measured(states, context)
    if by_second and _ends_in_time(states, events, context):
        nearest = Nearest(events.types, states.types, False, *((earlier, later) for later, earlier in texts))
        return Near(nearest, events, most, states.start, False)
    if by_first:
        nearest = Nearest(states.types, events.types, True, *texts)
        return Near(nearest, states, most, None if events.end is None else events.end - 1, second.absent)
    return None


def _measured(events: Selection, context: Context) -> int:
    """How many events have distances."""
    return sum(part.size for part in events.parts(context.version))


def _begins_in_time(events: Selection, states: Selection) -> bool:
    """Whether whatever comes after a state is no earlier than the window of events."""
    return events.start is None or (states.start is not None and events.start <= states.start + 1)


def _ends_in_time(states: Selection, events: Selection, context: Context) -> bool:
    """Whether whatever comes before an event is no later than the window of states, or there are no later events.
    Parts that are not in order of time have no distances."""
    if states.end is None or (events.end is not None and events.end - 1 <= states.end):
        return True
    ordered = (part for part in events.parts(context.version) if part.ordered)
    return not any(part.estimate_between(states.end + 1, events.end) for part in ordered)


def _shares(chosen: list[Chosen]) -> list[list[Chosen]]:
    """The rows of some parts shared among the cores, so few at a time that the deadline is kept."""
    pieces = [(part, _between(rows, first)) for part, rows in chosen for first in range(0, _size(rows), ROWS_AT_ONCE)]
    shares = CORES if sum(_size(rows) for _, rows in chosen) > SHARED else 1
    return [pieces[number::shares] for number in range(shares)]


def _size(rows: Rows | slice) -> int:
    return rows.stop - rows.start if isinstance(rows, slice) else rows.size


def _between(rows: Rows | slice, first: int) -> Rows | slice:
    """Those from the place `first` on, no more than are compared at once."""
    last = min(first + ROWS_AT_ONCE, _size(rows))
    return slice(rows.start + first, rows.start + last) if isinstance(rows, slice) else rows[first:last]


def _ends(rows: BitMap | range) -> tuple[int, int]:
    assert isinstance(rows, range), "parts with distances are in order of time"
    return rows.start, rows.stop


# --- kernels -------------------------------------------------------------------------------------------------

_ROOM = ("u4[]", "u4[]", "i8[]", "i8", "i8", "i8", "i8", "b1", "b1", "out u8[]")
"""The arrays of a part, and what room its distances have."""


@kernel("i8", "i8", *_ROOM)
def _add_near(
    low: int,
    high: int,
    contacts: Rows,
    distances: Distances,
    at: Ints,
    roomy: int,
    roomy_end: int,
    most: int,
    edge: int,
    later: bool,
    absent: bool,
    words: Words,
) -> None:
    """Add the contacts of the rows low <= row < high whose distance is within the room for it, or of those, when
    `absent`, whose is not. Moments are read where the edge may be nearer than `most`: before `roomy`, and from
    `roomy_end` on."""
    for row in range(low, high):
        room = most
        if not roomy <= row < roomy_end:
            room = min(most, edge - at[row] if later else at[row] - edge)
        found = np.uint64((distances[row] <= room) != absent)
        words[contacts[row] >> np.uint32(6)] |= found << np.uint64(contacts[row] & np.uint32(63))


@kernel("u4[]", *_ROOM)
def _add_near_among(
    rows: Rows,
    contacts: Rows,
    distances: Distances,
    at: Ints,
    roomy: int,
    roomy_end: int,
    most: int,
    edge: int,
    later: bool,
    absent: bool,
    words: Words,
) -> None:
    """The same of some rows: they are read where they lie, as copies of what they have would take longer."""
    for row in rows:
        room = most
        if not roomy <= row < roomy_end:
            room = min(most, edge - at[row] if later else at[row] - edge)
        found = np.uint64((distances[row] <= room) != absent)
        words[contacts[row] >> np.uint32(6)] |= found << np.uint64(contacts[row] & np.uint32(63))
