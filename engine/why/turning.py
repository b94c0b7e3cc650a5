"""What time alone does to a condition: the first moment at which it turns, the data staying as they are.

A condition depends on the clock through edges: the start or the end of a period, which move with it. It can turn only
when an edge passes a mark: the moment of an event, the value of a field. So the clock goes from one such passing to
the next, and asks again.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date

from dsl import typed
from dsl.measure import measure
from dsl.moments import EPOCH_ORDINAL, Clock, Window, day_of, midnight, step_instant
from dsl.reads import walk
from dsl.schema import Type
from dsl.typed import During, Part, Scope, Selector
from engine.why.contact import Contact, Event
from engine.why.judging import Judge
from engine.why.spans import spans_of

LOOKS = 64
"""Passings looked at before giving up, and saying so."""
CHEAP_LOOKS = 100_000
"""The same where a look only counts events."""
HORIZON = 400 * 366 * 86_400_000
"""Milliseconds ahead that are looked at."""

Bounds = Callable[[Clock], tuple[int | None, int | None]]


@dataclass(frozen=True, slots=True)
class Edge:
    """A bound that moves with the clock, and the marks it can pass, ascending. `of` are the events they are of."""

    place: Callable[[Clock], int | None]
    marks: list[int]
    days: bool = False
    start: bool = True
    of: tuple[Event, ...] = ()

    def next(self, clock: Clock) -> tuple[int, int] | None:
        """The first moment after the clock at which a mark is passed, and the mark."""
        now = self.place(clock)
        if now is None:
            return None
        ahead = bisect_left(self.marks, now)
        if ahead == len(self.marks):
            return None
        at = self._passing(self.marks[ahead], now, clock)
        return None if at is None else (at, self.marks[ahead])

    def _passing(self, mark: int, now: int, clock: Clock) -> int | None:
        """The first moment at which the edge is beyond `mark`; None when that is farther than the horizon."""
        far = mark - now + 1
        guess = midnight(day_of(clock.now, clock.zone) + far, clock.zone) if self.days else clock.now + far
        if guess > clock.now and self._beyond(mark, guess, clock) and not self._beyond(mark, guess - 1, clock):
            return guess
        low, high = clock.now, clock.now + HORIZON
        if not self._beyond(mark, high, clock):
            return None
        while high - low > 1:  # the edge is beyond the mark at `high`, and not at `low`
            middle = (low + high) // 2
            low, high = (low, middle) if self._beyond(mark, middle, clock) else (middle, high)
        return high

    def _beyond(self, mark: int, instant: int, clock: Clock) -> bool:
        place = self.place(Clock(instant, clock.zone))
        return place is not None and place > mark


@dataclass(frozen=True, slots=True)
class Turning:
    """The moment a condition turns; or, when `turns` is false, the moment until which it was seen not to.

    `event` is what enters or leaves a period then, when it is one event.
    """

    at: int
    turns: bool
    event: Event | None = None
    leaves: bool = False


def turning(contact: Contact, condition: typed.Condition) -> Turning | None:
    """None when time alone changes nothing."""
    found = list(edges(contact, condition))
    if not found:
        return None
    counted = counting(condition, found)
    looks, truth = (CHEAP_LOOKS, counted) if counted else (LOOKS, lambda clock: contact.at(clock.now).holds(condition))
    before, clock = truth(contact.clock), contact.clock
    for _ in range(looks):
        passed = [(passing, edge) for edge in found if (passing := edge.next(clock)) is not None]
        if not passed:
            return None
        (at, mark), edge = min(passed, key=lambda each: each[0])
        clock = Clock(at, clock.zone)
        if truth(clock) is not before:
            event = next((event for event in edge.of if event.at == mark), None)
            return Turning(at, True, event, edge.start)
    return Turning(clock.now, False)


def first_turning(judge: Judge, leaves: tuple[typed.Condition, ...], whole: typed.Condition) -> Turning | None:
    """The first moment at which `whole` turns, which is made of `leaves` and can turn only when one of them does."""
    contact = judge.contact
    coming = {place: turned for place, leaf in enumerate(leaves) if (turned := turning(contact, leaf)) is not None}
    truths = {id(leaf): judge.holds(leaf) for leaf in leaves}
    before, now = judge.holds(whole), contact.clock.now
    for _ in range(LOOKS):
        if not coming:
            return None
        first = min(coming.values(), key=lambda turned: turned.at)
        now = first.at
        if not first.turns:
            return first
        later = contact.at(now)
        turn = [place for place, turned in coming.items() if turned.at == now]
        for place in turn:
            truths[id(leaves[place])] ^= coming[place].turns
        if Judge(later, truths).holds(whole) is not before:
            return first
        for place in turn:
            again = turning(later, leaves[place])
            coming = {p: turned for p, turned in coming.items() if p != place} | ({place: again} if again else {})
    return Turning(now, False)


def counting(condition: typed.Condition, found: list[Edge]) -> Callable[[Clock], bool] | None:
    """A quick answer for the commonest cases: so many events in one moving period, or so many of the last spans.

    A negation turns when what it denies does.
    """
    while isinstance(condition, typed.Not):
        condition = condition.item
    match condition:
        case typed.Did(selector=Selector(where=where, window=window), low=low, high=high):
            if window is not None and not relative(where):
                marks = found[0].marks
                return lambda clock: _reaches(_within(marks, window, clock), low, high)
        case typed.Regularity(selector=selector) as node:
            if not relative(selector):
                marks = found[0].marks
                return lambda clock: _reaches(len(spans_of(marks, node, clock)), node.low, node.high)
    return None


def _within(marks: list[int], window: Window, clock: Clock) -> int:
    start, end = window.instants(clock)
    first = 0 if start is None else bisect_left(marks, start)
    return max(0, (len(marks) if end is None else bisect_left(marks, end)) - first)


def _reaches(count: int, low: int, high: int | None) -> bool:
    return count >= low and (high is None or count <= high)


def relative(node: object) -> bool:
    """Whether anything in it moves with the clock."""
    return any(getattr(each, "relative", False) or _is_age(each) for each in walk(node))


def _is_age(node: object) -> bool:
    return isinstance(node, typed.DatePart) and node.part is Part.YEARS_SINCE


# --- edges ---------------------------------------------------------------------------------------------------


def edges(contact: Contact, condition: typed.Condition) -> Iterator[Edge]:
    """Everything in a condition that moves with the clock."""
    for node in walk(condition):
        match node:
            case Selector(window=window) if window is not None and window.relative:
                events = events_ever(contact, node)
                marks = sorted(event.at for event in events)
                yield from _of_window(window.instants, marks, of=tuple(events))
            case typed.Regularity():
                yield from _of_spans(contact, node)
            case typed.Test(term=term, predicate=During(window)) if window.relative:
                days = measure(term).type is Type.DATE
                bounds = window.days if days else window.instants
                yield from _of_window(bounds, moments(contact, term, condition), days)
            case typed.Test(term=term, predicate=typed.Anniversary(window)) if window.relative:
                yield from _of_window(window.days, anniversaries(contact, term, window, condition), True)
            case typed.DatePart(part=Part.YEARS_SINCE, term=term):
                days_before = [day - 1 for day in anniversaries(contact, term, None, condition)]
                yield Edge(lambda clock: day_of(clock.now, clock.zone), days_before, True)


def _of_window(bounds: Bounds, marks: list[int], days: bool = False, of: tuple[Event, ...] = ()) -> Iterator[Edge]:
    yield Edge(lambda clock: bounds(clock)[0], marks, days, True, of)
    yield Edge(lambda clock: bounds(clock)[1], marks, days, False, of)


def _of_spans(contact: Contact, node: typed.Regularity) -> Iterator[Edge]:
    """The edges between the spans that end now. Of those that no event comes near, none is looked at."""
    events = events_ever(contact, node.selector)
    marks, zone = sorted(event.at for event in events), contact.clock.zone

    def edge(back: int) -> Edge:
        return Edge(lambda clock: step_instant(clock.now, -back, node.unit, zone), marks, of=tuple(events))

    yield from (edge(back) for back in range(node.spans + 1)) if marks else ()


def events_ever(contact: Contact, selector: Selector) -> list[Event]:
    """The events of a selector whenever they are; all of its type when its conditions move with the clock too."""
    where = None if relative(selector.where) else selector.where
    return contact.events(Selector(selector.span, selector.event, where))


def moments(contact: Contact, term: typed.Term, within: typed.Condition) -> list[int]:
    """Every value that a date or datetime can have for the contact as time goes on, ascending."""
    match term:
        case typed.FieldTerm(scope=Scope.EVENTS, field=field):
            selectors = [node for node in walk(within) if isinstance(node, Selector)]
            found = [event.value(field.name) for selector in selectors for event in _of_type(contact, selector)]
        case typed.Aggregate(selector=selector, property=None):
            found = [event.at for event in _of_type(contact, selector)]
        case typed.Aggregate(selector=selector, property=property) if property is not None:
            found = [event.value(property.name) for event in _of_type(contact, selector)]
        case _:
            found = [contact.value(term)]  # type: ignore[list-item]
    return sorted({int(value) for value in found if isinstance(value, int)})


def _of_type(contact: Contact, selector: Selector) -> list[Event]:
    return contact.events(Selector(selector.span, selector.event))


def anniversaries(contact: Contact, term: typed.Term, window: Window | None, within: typed.Condition) -> list[int]:
    """The days of the anniversaries around the clock, and around the window, ascending."""
    days = moments(contact, term, within)
    if measure(term).type is Type.DATETIME:
        days = [day_of(moment, contact.clock.zone) for moment in days]
    start, end = (None, None) if window is None else window.days(contact.clock)
    today = day_of(contact.clock.now, contact.clock.zone)
    near = [_year(day) for day in (start, end, today) if day is not None]
    years = range(max(min(near) - 1, 1), min(max(near) + 3, 9999))
    return sorted({_anniversary(day, year) for day in days for year in years})


def _year(day: int) -> int:
    return date.fromordinal(day + EPOCH_ORDINAL).year


def _anniversary(day: int, year: int) -> int:
    """29 February falls on the 28th in common years."""
    first = date.fromordinal(day + EPOCH_ORDINAL)
    try:
        return first.replace(year=year).toordinal() - EPOCH_ORDINAL
    except ValueError:
        return date(year, 2, 28).toordinal() - EPOCH_ORDINAL
