"""Sequences, asked of the events of one contact."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence as Listed
from dataclasses import dataclass

from dsl.moments import Duration, Window, step_instant
from dsl.typed import Condition
from engine.membership.facts import Chosen, Facts, Value
from engine.membership.occasions import Counted

MOST_PAIRS = 2_000
"""Looking at more pairs of events than this costs more than a plan, which orders them."""


@dataclass(frozen=True, slots=True)
class Same:
    """A property equals that of the nearest earlier step whose events have it."""

    property: str
    earlier: str
    folded: bool


@dataclass(frozen=True, slots=True)
class Step:
    """As `dsl.typed.Step` has it."""

    counted: Counted
    window: Window | None
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


@dataclass(frozen=True, slots=True)
class Followed:
    """The events of `steps` come in order. `condition` is planned where there are too many of them."""

    steps: tuple[Step, ...]
    condition: Condition

    def holds(self, facts: Facts) -> bool:
        events, spans = list[Chosen](), list[tuple[int, int]]()
        for step in self.steps:
            chosen = facts.chosen(step.counted)
            first, after = chosen.span(facts.bounds(step.window)) if chosen.at else (0, 0)
            if first == after and not step.absent:
                return False
            events.append(chosen)
            spans.append((first, after))
        if len(self.steps) == 2 and not self.steps[0].absent:
            return _second_of_two(self.steps[1], events, spans[0], facts)
        found = _Following(self.steps, events, spans, facts).found()
        return facts.planned(self.condition) if found is None else found


def _second_of_two(step: Step, events: list[Chosen], span: tuple[int, int], facts: Facts) -> bool:
    """Whether after any of the first events, those of a span, a second one comes, or is absent."""
    earlier, later = events
    start, end = facts.bounds(step.window)
    by_values = later.by_values(tuple((same.property, same.folded) for same in step.same)) if step.same else None
    wanted = earlier.keys(tuple((same.earlier, same.folded) for same in step.same)) if step.same else ()
    at: Listed[int] = later.at
    for event in range(*span):
        moment = earlier.at[event]
        if by_values is not None:
            key = wanted[event]
            at = () if key is None else by_values.get(key, ())
        place = bisect_right(at, moment) if start is None or moment >= start else bisect_left(at, start)
        comes = place < len(at) and (end is None or at[place] < end)
        if comes and step.gap is not None:
            latest = step.latest(moment, facts)
            comes = latest is None or at[place] <= latest
        if comes != step.absent:
            return True
    return False


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
