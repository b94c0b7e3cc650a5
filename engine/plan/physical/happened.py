"""Existence and frequency of events, per contact."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from pyroaring import BitMap

from engine.bitmaps import (
    Words,
    fitted,
    from_rows,
    from_sorted,
    from_words,
    members,
    set_rows,
    shared,
    to_array,
    to_words,
    union,
)
from engine.counting import CAP
from engine.deadline import still_wanted
from engine.plan.physical import costs
from engine.plan.physical.operator import Context, Effort, Operator, Stored
from engine.plan.physical.selection import Selection, held_parts
from engine.plan.physical.space import Domain, few
from engine.reading import EventPart, Kept, Recency

FOLLOWED = 1024
"""Following a contact to its events costs a microsecond; uniting indexes, a nanosecond for each contact there is."""

TALLIED = 256
"""Finding how many events one of few contacts has takes as long as reading the tallies of so many."""

LOOKED_UP = 32
"""Looking up the moment of a contact takes nanoseconds; cutting a stretch out of an order, a fraction of one for each
contact there is."""

WORTH_UNITING = 8
"""Indexes are united when there is at least one event for so many contacts: setting one takes about a nanosecond."""


@dataclass(frozen=True, slots=True)
class ActiveIn(Stored):
    """Contacts with any event in a window: told by the order of their last events, or first ones, where the window
    goes to the end of time, or begins there; by the parts' time indexes otherwise."""

    events: Selection

    @property
    def effort(self) -> Effort:
        return Effort.INDEXED

    def whole(self, context: Context) -> BitMap:
        told = self._told(context)
        if told is None:
            return self._covered(self.events.parts(context.version))
        found = told.order.matching(told.window)
        assert found is not None, "the order tells moments"
        return found | self._covered(told.others) if told.others else found

    def _told(self, context: Context) -> Recency | None:
        return context.version.recency(self.events.types, self.events.start, self.events.end)

    def _covered(self, parts: Iterable[EventPart]) -> BitMap:
        """The union of what covers each part, the rows at the edges of all windows taken together."""
        bitmaps: list[BitMap] = []
        edges = [np.empty(0, np.uint32)]
        for part in parts:
            whole_units, rows = part.cover(self.events.start, self.events.end)
            bitmaps += whole_units
            edges.append(rows)
        rest = from_rows(np.concatenate(edges))
        return BitMap.union(rest, *bitmaps) if bitmaps else rest

    def put(self, context: Context, words: Words) -> None:
        """Add all of them to a set: from the events of a window of few, else from the time indexes."""
        for part in self.events.parts(context.version):
            if part.estimate_between(self.events.start, self.events.end) * WORTH_UNITING < context.space.size:
                self.events.put(context, part, words)
            else:
                whole_units, rows = part.cover(self.events.start, self.events.end)
                words |= to_words(union(whole_units), context.space.size)
                set_rows(rows, words)

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        found = None if within is None else self._of_few(context, within)
        # Not super(): a slotted dataclass is made anew, and the zero-argument form would look at the old class.
        return Stored.run(self, context, within) if found is None else found

    def count(self, context: Context, within: BitMap | None) -> int:
        still_wanted()
        if within is not None:
            few = self._of_few(context, within)
            return Stored.count(self, context, within) if few is None else len(few)
        told = self._told(context)
        if told is None:
            return len(self.whole(context))
        return told.count() + self._only_in_others(told)

    def dense(self, context: Context) -> Words | None:
        """Cut out of the order. The time indexes give bitmaps."""
        still_wanted()
        told = self._told(context)
        words = None if told is None else told.order.words(told.window)
        if told is None or words is None:
            return None
        words = fitted(words, context.space.size)
        return words | to_words(self._covered(told.others), context.space.size) if told.others else words

    def _only_in_others(self, told: Recency) -> int:
        """How many the order does not tell."""
        rest = self._covered(told.others) if told.others else None
        return len(rest) - int(np.count_nonzero(told.holds(to_array(rest)))) if rest else 0

    def without(self, context: Context, rows: BitMap) -> BitMap:
        found = self._of_few(context, rows)
        return Stored.without(self, context, rows) if found is None else rows - found

    def _of_few(self, context: Context, contacts: BitMap) -> BitMap | None:
        """Those of few contacts; None where it costs less to find all."""
        asked, size = len(contacts), context.space.size
        if asked * LOOKED_UP >= size:
            return None
        told = self._told(context)
        if told is None:
            return _those_with_events(self.events, context, contacts) if asked * FOLLOWED < size else None
        rows = to_array(contacts)
        found = from_sorted(rows[told.holds(rows)])
        return found | (self._covered(told.others) & contacts) if told.others else found

    def cost(self, context: Context, asked: float) -> float:
        """A union for each part and level of its time index, and what lies at the edges of the window."""
        if asked * FOLLOWED < context.space.size:
            return self.events.cost(context, asked)
        told = context.version.unordered(self.events.types, self.events.start, self.events.end)
        once = 2 * costs.STEP + costs.BITMAP * context.space.size
        if told is not None:
            return costs.ORDERED_ONCE * told + once
        return 3 * once * len(held_parts(context.version, self.events.types))

    def estimate(self, context: Context) -> int:
        return min(context.space.existing, context.estimate(self.events))

    @property
    def label(self) -> str:
        return f"did {self.events.label}"


@dataclass(frozen=True, slots=True)
class Happened(Operator):
    """Contacts with at least one selected event, where events are selected by their properties."""

    events: Selection

    @property
    def effort(self) -> Effort:
        return Effort.GATHERED

    @property
    def selections(self) -> tuple[Selection, ...]:
        return (self.events,)

    @property
    def label(self) -> str:
        return f"did {self.events.label} where"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        still_wanted()
        if within is not None and self._worth_following(context, within):
            return _those_with_events(self.events, context, within)
        found = from_words(self.events.contacts(context))
        return found if within is None else found & within

    def dense(self, context: Context) -> Words:
        still_wanted()
        return self.events.contacts(context)

    def count(self, context: Context, within: BitMap | None) -> int:
        if within is None:
            return members(self.dense(context))
        if self._worth_following(context, within):
            return len(_those_with_events(self.events, context, within))
        return shared(within, self.dense(context))

    def put(self, context: Context, words: Words) -> None:
        """Add all of them to a set."""
        for part in self.events.parts(context.version):
            self.events.put(context, part, words)

    def _worth_following(self, context: Context, contacts: BitMap) -> bool:
        """Whether looking at all events of a few contacts costs less than selecting the events of everyone."""
        if not few(contacts, context.space):
            return False
        asked, size = len(contacts), context.space.size
        return asked * FOLLOWED < size or self._cost(context, asked) < self._cost(context, size)

    def cost(self, context: Context, asked: float) -> float:
        all, size = self._cost(context, context.space.size), context.space.size
        return all if asked >= size else min(all, self._cost(context, asked))

    def _cost(self, context: Context, asked: float) -> float:
        found = costs.EVENT * self.events.among(context, asked) + costs.BITMAP * context.space.size
        return costs.STEP + self.events.cost(context, asked) + found

    def estimate(self, context: Context) -> int:
        return min(context.space.existing, context.estimate(self.events))


def _those_with_events(events: Selection, context: Context, within: BitMap) -> BitMap:
    """Those of a few contacts that have a selected event."""
    domain = Domain.of(context.space, within)
    found = np.zeros(domain.size, np.bool_)
    for picked in events.picked(context, domain):
        found[picked.places] = True
    return domain.select(found, within)


@dataclass(frozen=True, slots=True)
class Frequency(Operator):
    """Contacts whose number of selected events lies in low..high, both included; zero is a number."""

    events: Selection
    low: int
    high: int | None

    @property
    def effort(self) -> Effort:
        return Effort.GATHERED

    @property
    def selections(self) -> tuple[Selection, ...]:
        return (self.events,)

    @property
    def label(self) -> str:
        times = f"{self.low}.. times" if self.high is None else f"{self.low}..{self.high} times"
        return f"did {self.events.label} {times}{' where' if self.events.where else ''}"

    def run(self, context: Context, within: BitMap | None) -> BitMap:
        words = self._tallied(context, within)
        if words is None:
            return self._counted(context, within)
        found = from_words(words)
        return found if within is None else found & within

    def count(self, context: Context, within: BitMap | None) -> int:
        words = self._tallied(context, within)
        if words is None:
            return len(self._counted(context, within))
        return members(words) if within is None else shared(within, words)

    def dense(self, context: Context) -> Words | None:
        return self._tallied(context, None)

    def _tallied(self, context: Context, within: BitMap | None) -> Words | None:
        """Everyone, by tallies, where these tell; None where less time is taken by what is found of each of few."""
        still_wanted()
        if not self._is_capped or (within is not None and len(within) * TALLIED < context.space.size):
            return None
        return self.events.numbering(context, max(0, self.low), CAP if self.high is None else self.high)

    @property
    def _is_capped(self) -> bool:
        """Whether counts up to CAP tell, of events whatever they are."""
        return self.events.where is None and self.low < CAP and (self.high is None or 0 <= self.high < CAP)

    def _counted(self, context: Context, within: BitMap | None) -> BitMap:
        """By counts, of few or of all."""
        domain = Domain.of(context.space, within)
        counts = self.events.counts(context, domain)
        enough = counts >= self.low
        if self.high is not None:
            enough &= counts <= self.high
        return domain.select(enough, within)

    def cost(self, context: Context, asked: float) -> float:
        kept = Kept.CAPPED_COUNTS if self._is_capped else Kept.COUNTS
        return costs.STEP + self.events.counting_cost(context, costs.places(asked, context.space), kept)

    def estimate(self, context: Context) -> int:
        """Markov's bound on those with `low` events; about everyone when zero counts too."""
        size = context.space.existing
        return size if self.low <= 0 else min(size, context.estimate(self.events) // self.low)
