"""How far one contact's events follow the steps of a sequence, and which event matched each step.

The same states as the engine's joins (`engine.plan.physical.sequence`), one event at a time and with what led to each:
of the states that carry equal values, the one with the latest limit serves every later event best.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import partial
from itertools import accumulate

from dsl import typed
from dsl.folding import fold
from dsl.moments import Duration, step_instant
from dsl.schema import Field, Type, type_of_value
from engine.plan import lower_sequence
from engine.plan.logical import Same, Step
from engine.why.contact import Contact, Event

Slot = tuple[int, str]
"""A property of the event of a step, by the step's position."""

Compared = str | bool | float | Fraction | tuple[str, ...]
"""A value in a form that is equal when the values are."""

FOREVER = 1 << 62


@dataclass(frozen=True, slots=True)
class State:
    """An event that matched a step, the events that led to it, and until when the next step may come."""

    event: Event
    carried: dict[Slot, Compared | None]
    limit: int
    before: State | None = None

    def trail(self) -> list[Event]:
        """The events matched so far, the first one first."""
        return [*([] if self.before is None else self.before.trail()), self.event]


@dataclass(frozen=True, slots=True)
class Followed:
    """`reached` steps were found, by `events` (None for a step that must not occur); all of them when it `holds`.

    `last` is the last event that counted; `deadline` is until when the step where it stopped could have come, None
    for ever; `intruder` is the event of a step that must not occur.
    """

    holds: bool
    reached: int
    events: tuple[Event | None, ...]
    last: Event | None = None
    deadline: int | None = None
    intruder: Event | None = None


def followed(contact: Contact, sequence: typed.Sequence) -> Followed:
    """How far the contact gets; some way of getting there when there are several."""
    steps = lower_sequence(sequence, contact.clock, contact.snapshot.schema)
    found = [contact.events(step.selector) for step in sequence.steps]
    return _Following(contact, steps, found).run()


def exact(field: Field, value: type_of_value | None) -> Compared | None:
    match value:
        case str():
            return fold(value)
        case tuple() | list():
            return tuple(sorted({fold(tag) for tag in value}))
        case int() if field.type is Type.NUMBER:
            return Fraction(value, 10**field.decimals)
        case _:
            return value


@dataclass(frozen=True, slots=True)
class _Following:
    contact: Contact
    steps: tuple[Step, ...]
    found: list[list[Event]]

    def run(self) -> Followed:
        states = [self.state(0, event, None) for event in self.found[0]]
        if not states:
            return Followed(False, 0, ())
        for place in range(1, len(self.steps)):
            following = self.after(place, states)
            if not following:
                return self.stopped(place, states)
            states = following
        return Followed(True, len(self.steps), self.shown(states[-1], len(self.steps)))

    def after(self, place: int, states: list[State]) -> list[State]:
        step = self.steps[place]
        if not step.absent:
            return list(self.follow(place, states))
        if step.gap is not None or all(later.absent for later in self.steps[place:]):
            return [state for state in states if self.intruder(place, state) is None]
        return [self.ended(place, state) for state in states]

    def follow(self, place: int, states: list[State]) -> Iterator[State]:
        """The events of a present step that can follow, each once for the values it may carry on."""
        events: defaultdict[tuple[Compared | None, ...], list[Event]] = defaultdict(list)
        for event in self.found[place]:
            events[self.own(place, event)].append(event)
        groups: defaultdict[tuple[Compared | None, ...], list[State]] = defaultdict(list)
        for state in states:
            groups[tuple(state.carried.values())].append(state)
        for group in groups.values():
            wanted = self.wanted(place, group[0])
            if None not in wanted:
                yield from self.joined(place, sorted(group, key=lambda s: s.event.at), events.get(wanted, []))

    def joined(self, place: int, states: list[State], events: list[Event]) -> Iterator[State]:
        """`states` in order of moment: before each event, the one that reaches farthest decides."""
        reach = [min(state.limit, self.until(state.event, self.steps[place].gap)) for state in states]
        farthest = list(accumulate(range(len(states)), partial(max, key=reach.__getitem__)))
        moments = [state.event.at for state in states]
        for event in events:
            before = bisect_left(moments, event.at) - 1
            if before >= 0 and reach[farthest[before]] >= event.at:
                yield self.state(place, event, states[farthest[before]])

    def state(self, place: int, event: Event, before: State | None) -> State:
        carried: dict[Slot, Compared | None] = {} if before is None else before.carried
        later = [same for step in self.steps[place + 1 :] for same in step.same if same.step <= place]
        needed = {(same.step, same.earlier.name): same for same in later}
        kept = {
            slot: self.compared(same, event) if slot[0] == place else carried[slot] for slot, same in needed.items()
        }
        return State(event, kept, FOREVER, before)

    def compared(self, same: Same, event: Event) -> Compared | None:
        return exact(same.earlier, event.value(same.earlier.name))

    def ended(self, place: int, state: State) -> State:
        """The next step comes no later than the first event of a step that must not come before it."""
        intruder = self.intruder(place, state)
        limit = state.limit if intruder is None else min(state.limit, intruder.at)
        return State(state.event, state.carried, limit, state.before)

    def intruder(self, place: int, state: State) -> Event | None:
        """The first event of an absent step that comes after the state, in time."""
        wanted, events = self.wanted(place, state), self.found[place]
        until = self.until(state.event, self.steps[place].gap)
        later = events[bisect_right([event.at for event in events], state.event.at) :]
        return next((e for e in later if e.at <= until and None not in wanted and self.own(place, e) == wanted), None)

    def own(self, place: int, event: Event) -> tuple[Compared | None, ...]:
        return tuple(exact(same.property, event.value(same.property.name)) for same in self.steps[place].same)

    def wanted(self, place: int, state: State) -> tuple[Compared | None, ...]:
        return tuple(state.carried[same.step, same.earlier.name] for same in self.steps[place].same)

    def until(self, event: Event, gap: int | Duration | None) -> int:
        match gap:
            case None:
                return FOREVER
            case Duration(count, unit):
                return step_instant(event.at, count, unit, self.contact.clock.zone)
            case _:
                return event.at + gap

    # --- what to show ---

    def stopped(self, place: int, states: list[State]) -> Followed:
        """Where it ended for the state that was there last."""
        state = max(states, key=lambda state: state.event.at)
        step = self.steps[place]
        intruder = self.intruder(place, state) if step.absent else None
        deadline = min(state.limit, self.until(state.event, step.gap))
        shown = self.shown(state, place)
        return Followed(False, place, shown, state.event, None if deadline == FOREVER else deadline, intruder)

    def shown(self, state: State, reached: int) -> tuple[Event | None, ...]:
        matched = iter(state.trail())
        return tuple(None if step.absent else next(matched) for step in self.steps[:reached])
