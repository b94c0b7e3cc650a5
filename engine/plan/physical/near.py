"""Sequences of two steps told by distances: between each event and the nearest one that may follow, or precede it.

The nearest earlier event decides unless it may lie after the window of the first step, the nearest later one unless it
may lie before that of the second: a window that cuts off its other end only makes the room for it smaller.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
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
from engine.plan.physical.steps import LAST, Step, Steps
from engine.reading import FAR, Distances, EventPart, Nearest, Neighbours

ROWS_AT_ONCE = 1 << 20
"""So many distances are compared between two looks at the deadline."""
SHARED = 1 << 18
"""The cores share the comparing of more distances than this."""

Stretch = tuple[EventPart, int, int]
"""Rows of a part: the first, and below which they end."""


@dataclass(frozen=True, slots=True)
class Near:
    """Contacts with an event of `events` whose nearest one is no farther than `most` milliseconds, and not beyond
    `edge`, the last moment that a later one may have, or the first of an earlier one; with `absent`, those with an
    event of which that is not so."""

    nearest: Nearest
    events: Selection
    most: int
    edge: int | None
    absent: bool

    @classmethod
    def of(cls, steps: Steps, gap: int | None, context: Context) -> Near | None:
        """Of the two that may tell of steps, that which measures fewer events; None where neither tells."""
        if len(steps) != 2 or gap is None or gap >= FAR or any(step.events.where is not None for step in steps):
            return None
        return min(_able(*steps, gap, context), key=lambda near: near.measured(context), default=None)

    def measured(self, context: Context) -> int:
        """How many events have distances."""
        return sum(part.size for part in replace(self.events, start=None, end=None).parts(context.version))

    def contacts(self, neighbours: Neighbours, size: int) -> Words:
        """All of them but those with events in other parts."""
        between = self.events.start, self.events.end
        shares = [*_shares([(part, *_ends(part.rows_between(*between))) for part in neighbours.distances])]
        found = on_every_core(partial(self._of_share, neighbours, size), shares, worth=len(shares) > 1)
        return any_of(found) if found else np.zeros(words_of(size), np.uint64)

    def _of_share(self, neighbours: Neighbours, size: int, share: list[Stretch]) -> Words:
        words = np.zeros(words_of(size), np.uint64)
        for part, low, high in share:
            still_wanted()
            roomy, end = self._roomy(part)
            arrays = part.contacts, neighbours.distances[part], part.at
            limits = self.most, min(max(self.edge or 0, -LAST), LAST)
            _add_near(*arrays, low, high, roomy, end, *limits, self.nearest.later, self.absent, words)
        return words

    def _roomy(self, part: EventPart) -> tuple[int, int]:
        """The rows from which the edge is farther than the most that a distance may be."""
        if self.edge is None:
            return 0, part.size
        if self.nearest.later:
            return _ends(part.rows_between(None, self.edge - self.most))
        return _ends(part.rows_between(self.edge + self.most, None))


def _able(first: Step, second: Step, gap: int, context: Context) -> Iterator[Near]:
    states, events = first.events, second.events
    if len(second.same) > 1:
        return
    texts = [(same.earlier.name, same.property.name) for same in second.same]
    if _begins_in_time(events, states):
        nearest = Nearest(states.types, events.types, True, *texts)
        yield Near(nearest, states, gap, None if events.end is None else events.end - 1, second.absent)
    if not second.absent and _ends_in_time(states, events, context):
        nearest = Nearest(events.types, states.types, False, *((earlier, later) for later, earlier in texts))
        yield Near(nearest, events, gap, states.start, False)


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


def _shares(stretches: list[Stretch]) -> Iterator[list[Stretch]]:
    """The rows of some parts shared among the cores, so few at a time that the deadline is kept."""
    total = sum(high - low for _, low, high in stretches)
    pieces = [
        (part, first, min(first + ROWS_AT_ONCE, high))
        for part, low, high in stretches
        for first in range(low, high, ROWS_AT_ONCE)
    ]
    shares = CORES if total > SHARED else 1
    yield from (share for share in (pieces[number::shares] for number in range(shares)) if share)


def _ends(rows: BitMap | range) -> tuple[int, int]:
    assert isinstance(rows, range), "parts with distances are in order of time"
    return rows.start, rows.stop


@kernel("u4[]", "u4[]", "i8[]", "i8", "i8", "i8", "i8", "i8", "i8", "b1", "b1", "out u8[]")
def _add_near(
    contacts: Rows,
    distances: Distances,
    at: Ints,
    low: int,
    high: int,
    roomy: int,
    roomy_end: int,
    most: int,
    edge: int,
    later: bool,
    absent: bool,
    words: Words,
) -> None:
    """Add the contacts of the rows from `low` to below `high` whose distance is within the room for it, or of those,
    when `absent`, whose is not. Moments are read where the edge may be nearer than `most`."""
    for row in range(low, high):
        room = most
        if not roomy <= row < roomy_end:
            room = min(most, edge - at[row] if later else at[row] - edge)
        found = np.uint64((distances[row] <= room) != absent)
        words[contacts[row] >> np.uint32(6)] |= found << np.uint64(contacts[row] & np.uint32(63))
