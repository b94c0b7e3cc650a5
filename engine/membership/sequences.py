"""Sequences, asked of the events of one contact."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence as Listed
from dataclasses import dataclass

from dsl.moments import Duration, step_instant
from dsl.typed import Condition
from engine.membership.facts import Chosen, Facts, Value, When
from engine.membership.occasions import Counted

MOST_PAIRS = 2_000
"""Looking at more pairs of events than this costs more than a plan, which orders them."""


@dataclass(frozen=True, slots=True)
class Same:
    """A property equals that of the nearest earlier step whose events have it."""

    property: str
    earlier: str
    folded: bool


@dataclass(frozen=True, slots=True, eq=False)
class Step:
    """As `dsl.typed.Step` has it."""

    counted: Counted
    when: When
    gap: int | Duration | None
    absent: bool
    same: tuple[Same, ...]

    def latest(self, before: int, facts: Facts) -> int | None:
        """Until when an event may come after one of the moment `before`."""
        match self.gap:
            case Duration(count, unit):
                return step_instant(before, count, unit, facts.clock.zone)
            case None:
                return None
            case gap:
                return before + gap


@dataclass(frozen=True, slots=True, eq=False)
class FollowedBy:
    """After any event of a step comes one of a second step, or none does where that is absent."""

    first: Step
    second: Step

    def holds(self, facts: Facts) -> bool:
        first, second = self.first, self.second
        earlier = facts.chosen[first.counted]
        if not earlier.at:
            return False
        low, high = earlier.span(facts.bounds[first.when])
        if low == high:
            return False
        later = facts.chosen[second.counted]
        if not later.at:
            return second.absent
        if second.same:
            return self._alike(earlier, later, range(low, high), facts)
        start, end = later.span(facts.bounds[second.when])
        if second.gap is None:
            # The first of them has the most events after it, the last one the fewest.
            moment = earlier.at[high - 1 if second.absent else low]
            return (max(bisect_right(later.at, moment), start) < end) != second.absent
        for event in range(low, high):
            moment = earlier.at[event]
            place, latest = max(bisect_right(later.at, moment), start), second.latest(moment, facts)
            if (place < end and (latest is None or later.at[place] <= latest)) != second.absent:
                return True
        return False

    def _alike(self, earlier: Chosen, later: Chosen, events: range, facts: Facts) -> bool:
        """Of second events with the same values as the first one."""
        second, (start, end) = self.second, facts.bounds[self.second.when]
        by_values = later.by_values(tuple((same.property, same.folded) for same in second.same))
        wanted = earlier.keys(tuple((same.earlier, same.folded) for same in second.same))
        for event in events:
            moment, key = earlier.at[event], wanted[event]
            at: Listed[int] = () if key is None else by_values.get(key, ())
            place, latest = bisect_right(at, max(moment, start - 1)), second.latest(moment, facts)
            comes = place < len(at) and at[place] < end and (latest is None or at[place] <= latest)
            if comes != second.absent:
                return True
        return False


@dataclass(frozen=True, slots=True, eq=False)
class Followed:
    """The events of `steps` come in order. `condition` is planned where there are too many of them."""

    steps: tuple[Step, ...]
    condition: Condition

    def holds(self, facts: Facts) -> bool:
        events, spans = list[Chosen](), list[tuple[int, int]]()
        for step in self.steps:
            chosen = facts.chosen[step.counted]
            first, after = chosen.span(facts.bounds[step.when]) if chosen.at else (0, 0)
            if first == after and not step.absent:
                return False
            events.append(chosen)
            spans.append((first, after))
        found = _Following(self.steps, events, spans, facts).found()
        return facts.planned[self] if found is None else found


Trail = tuple[int, ...]
"""The event that was taken for each present step so far."""


class _Following:
    """Keeps all trails that the steps so far allow: of those that later steps cannot tell apart, one."""

    def __init__(
        self, steps: tuple[Step, ...], events: list[Chosen], spans: list[tuple[int, int]], facts: Facts
    ) -> None:
        self.steps = steps
        self.events = events
        self.spans = spans
        self.facts = facts
        self.taken: list[int] = []
        self.pairs = 0
        self.values: dict[tuple[int, str], Listed[Value]] = {}

    def found(self) -> bool | None:
        """None for too many pairs of events."""
        kept: dict[Trail, Trail] = {(): ()}
        absent: list[int] = []
        for place, step in enumerate(self.steps):
            if step.absent:
                absent.append(place)
                continue
            needed = self.needed(place)
            following: dict[Trail, Trail] = {}
            for trail in kept.values():
                for event in self.after(place, trail):
                    self.pairs += 1
                    if self.pairs > MOST_PAIRS:
                        return None
                    fits = not step.same or self.fits(place, event, trail)
                    if fits and not (absent and self.forbidden(absent, trail, place, event)):
                        longer = (*trail, event)
                        following[tuple(longer[at] for at in needed)] = longer
            self.taken.append(place)
            kept, absent = following, []
        return any(not self.forbidden(absent, trail, None, None) for trail in kept.values())

    def needed(self, place: int) -> list[int]:
        """Positions in a trail, after this step, of what later steps look at: it, and what they are compared with."""
        taken = [*self.taken, place]
        sources = {self.source(later, same.earlier) for later in range(place + 1, len(self.steps)) for same in
                   self.steps[later].same}  # fmt: skip
        return [at for at, step in enumerate(taken) if step == place or step in sources]

    def source(self, place: int, property: str) -> int:
        """The last present step before this one whose events have a property."""
        return max(
            earlier
            for earlier, step in enumerate(self.steps[:place])
            if not step.absent and self.facts.declares(step.counted.event, property)
        )

    def after(self, place: int, trail: Trail, before: int | None = None) -> range:
        """The events of a step that may come after the last of a trail, and lie before a moment."""
        first, end = self.spans[place]
        at = self.events[place].at
        if trail:
            previous = self.events[self.taken[-1]].at[trail[-1]]
            latest = self.steps[place].latest(previous, self.facts)
            first = max(first, bisect_right(at, previous))
            end = end if latest is None else min(end, bisect_right(at, latest))
        if before is not None:
            end = min(end, bisect_right(at, before - 1))
        return range(first, end)

    def fits(self, place: int, event: int, trail: Trail) -> bool:
        return all(self.is_same(same, place, event, trail) for same in self.steps[place].same)

    def is_same(self, same: Same, place: int, event: int, trail: Trail) -> bool:
        source = self.source(place, same.earlier)
        here = self.values_of(place, same.property, same.folded)[event]
        there = self.values_of(source, same.earlier, same.folded)[trail[self.taken.index(source)]]
        return here is not None and here == there

    def values_of(self, place: int, property: str, folded: bool) -> Listed[Value]:
        found = self.values.get((place, property))
        if found is None:
            found = self.values[place, property] = self.events[place].values(property, folded)
        return found

    def forbidden(self, absent: list[int], trail: Trail, place: int | None, event: int | None) -> bool:
        """Whether an event of an absent step comes: within its gap, or else before the next present step."""
        for step in absent:
            before = None
            if self.steps[step].gap is None and place is not None and event is not None:
                before = self.events[place].at[event]
            coming = self.after(step, trail, before)
            self.pairs += len(coming) if self.steps[step].same else 0
            if any(self.fits(step, each, trail) for each in coming):
                return True
        return False
