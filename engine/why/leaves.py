"""What is behind one condition: the contact's values, its events, the steps of a sequence."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from dsl import typed
from dsl.draw import draw, fingerprint
from dsl.measure import Measure, measure
from dsl.reads import walk
from dsl.schema import Field
from dsl.typed import Selector, Term
from engine.values import iso_datetime, to_json
from engine.why.answer import Events, Happening, Node, StepFound, Turn, Value
from engine.why.changing import Changes
from engine.why.contact import Contact, Event, Found
from engine.why.following import Followed, followed
from engine.why.spans import spans_hit
from engine.why.texts import Texts
from engine.why.turning import Turning, turning
from engine.why.words import Phrase, Words

SHOWN = 5
"""How many events are shown of those that count, and of those that do not."""


@dataclass(frozen=True, slots=True)
class Leaves:
    """Completes the nodes of conditions that have no parts, for one contact, in the words of one language."""

    contact: Contact
    texts: Texts
    words: Words

    def completed(self, node: Node, condition: typed.Condition) -> Node:
        """`node` with what is behind it."""
        selectors = [each for each in walk(condition) if isinstance(each, Selector)]
        events = tuple(self.events(selector) for selector in sorted(selectors, key=lambda each: each.span.start))
        values, steps = tuple(self.values(condition)), tuple(self.steps(condition))
        change = Changes(self.contact, self.texts, self.words).turning(condition, not node.holds)
        return replace(
            node,
            found=self.found(condition, values, events, steps),
            change=change,
            turn=self.turn(condition, node.holds),
            values=values,
            events=events,
            steps=steps,
        )

    # --- in one sentence ---

    def found(
        self,
        condition: typed.Condition,
        values: tuple[Value, ...],
        events: tuple[Events, ...],
        steps: tuple[StepFound, ...],
    ) -> str:
        words = self.words
        match _bare(condition):
            case typed.Did():
                return self.counted(events[0])
            case typed.Regularity() as node:
                return words.counted(Phrase.HIT, len(spans_hit(self.contact, node)), spans=str(node.spans))
            case typed.Sequence():
                reached = sum(step.reached and step.holds for step in steps)
                if reached == len(steps):
                    return words.say(Phrase.FOLLOWED)
                return words.say(Phrase.STOPPED, step=str(reached + 1), steps=str(len(steps)))
            case typed.Sample(share=share, seed=seed):
                drawn = draw(fingerprint(self.contact.id), fingerprint(seed))
                shown = words.number(Fraction(drawn * 100 * 10**4 >> 64, 10**4))
                return words.say(Phrase.DRAWN, drawn=shown, limit=words.number(share * 100))
            case typed.Everyone() | typed.Nobody():
                return words.say(Phrase.ALWAYS)
            case typed.OfCompany() if not self.contact.has_company:
                return words.say(Phrase.NO_COMPANY)
            case _:
                return words.language.all_of([self.told(value) for value in values])

    def told(self, value: Value) -> str:
        if value.value is None:
            return self.words.say(Phrase.MISSING, term=value.name)
        return self.words.say(Phrase.IS, term=value.name, value=value.shown)

    def counted(self, events: Events) -> str:
        found = self.words.counted(Phrase.COUNTED, events.count)
        if not events.missed or events.count:
            return found
        return f"{found}; {self.words.counted(Phrase.MISSED, events.missed)}"

    # --- values ---

    def values(self, condition: typed.Condition) -> Iterator[Value]:
        """Every term that is asked about, each once, the whole before its parts."""
        match condition:
            case typed.Not(item=item) | typed.OfCompany(item=item):
                yield from self.values(item)
            case typed.And(items=items) | typed.Or(items=items):
                found = [value for item in items for value in self.values(item)]
                yield from {value.name: value for value in found}.values()
            case typed.Test(term=term):
                yield from self.of_term(term)
            case typed.Compare(left=left, right=right):
                yield from self.of_term(left)
                yield from self.of_term(right)
            case _:
                pass

    def of_term(self, term: Term) -> Iterator[Value]:
        found = self.contact.value(term)
        shown = "" if found is None else self.words.value(found, measure(term), self.contact.clock.zone)
        yield Value(self.texts.at(term.span), json_value(found, measure(term)), shown)
        match term:
            case typed.Arithmetic():
                for part in _operands(term):
                    yield from self.of_term(part)
            case typed.DatePart(term=inner):
                yield from self.of_term(inner)

    # --- events ---

    def events(self, selector: Selector) -> Events:
        """The events that count; and, when none does, those that nearly do."""
        found = self.contact.events(selector)
        whole = Selector(selector.span, selector.event)
        ever = self.contact.events(whole)
        missed = len(ever) - len(found)
        nearest = self.nearest(selector, found, ever) if missed and not found else ()
        newest = tuple(self.happening(event) for event in reversed(found[-SHOWN:]))
        return Events(self.texts.at(selector.span), len(found), newest, missed, tuple(nearest))

    def nearest(self, selector: Selector, found: list[Event], ever: list[Event]) -> Iterator[Happening]:
        """Of the events that do not count, those that fail the least, the newest first."""
        counted = {event.key for event in found}
        missed = [event for event in ever if event.key not in counted]
        parts = _parts(selector.where)
        holding = [
            {event.key for event in self.contact.events(Selector(selector.span, selector.event, part))}
            for part in parts
        ]

        def fails(event: Event) -> tuple[str, ...]:
            broken = [part for part, keys in zip(parts, holding, strict=True) if event.key not in keys]
            said = [self.words.say(Phrase.FAILS, condition=self.texts.at(part.span)) for part in broken]
            return (*self.outside(selector, event), *said)

        listed = sorted(((fails(event), event) for event in missed), key=lambda each: (len(each[0]), -each[1].at))
        yield from (self.happening(event, why) for why, event in listed[:SHOWN])

    def outside(self, selector: Selector, event: Event) -> Iterator[str]:
        """Why the event does not lie in the selector's period."""
        clock = self.contact.clock
        start, end = (None, None) if selector.window is None else selector.window.instants(clock)
        if start is not None and event.at < start:
            yield self.words.say(Phrase.TOO_EARLY, start=self.words.instant(start, clock.zone))
        if end is not None and event.at >= end:
            yield self.words.say(Phrase.TOO_LATE, end=self.words.instant(end, clock.zone))

    def happening(self, event: Event, fails: tuple[str, ...] = ()) -> Happening:
        fields = self.contact.snapshot.schema.events[event.type].values()
        values = {field.name: to_json(field, event.value(field.name)) for field in fields}
        given = {name: value for name, value in values.items() if value is not None}
        id = event.value("id")
        return Happening(event.type, iso_datetime(event.at), None if id is None else str(id), given, fails)

    # --- sequences ---

    def steps(self, condition: typed.Condition) -> Iterator[StepFound]:
        match _bare(condition):
            case typed.Sequence() as sequence:
                how = followed(self.contact, sequence)
                for place, step in enumerate(sequence.steps):
                    yield self.step(step, place, how)
            case _:
                pass

    def step(self, step: typed.Step, place: int, how: Followed) -> StepFound:
        event = how.events[place] if place < how.reached else how.intruder if place == how.reached else None
        shown = None if event is None else self.happening(event)
        return StepFound(self.texts.at(step.span), place < how.reached, place <= how.reached, shown)

    # --- time ---

    def turn(self, condition: typed.Condition, holds: bool) -> Turn | None:
        turned = turning(self.contact, condition)
        return None if turned is None else said(turned, self.contact, holds, self.words)


def said(turned: Turning, contact: Contact, holds: bool, words: Words) -> Turn:
    """A turn of what `holds` now, or does not, in words."""
    at, zone = words.instant(turned.at, contact.clock.zone), contact.clock.zone
    if not turned.turns:
        return Turn(iso_datetime(turned.at), False, words.say(Phrase.STAYS, at=at))
    cause = ""
    if turned.event is not None:
        phrase = Phrase.BECAUSE_LEAVES if turned.leaves else Phrase.BECAUSE_ENTERS
        cause = words.say(phrase, event=turned.event.type, of=words.instant(turned.event.at, zone))
    becomes = Phrase.BECOMES_FALSE if holds else Phrase.BECOMES_TRUE
    return Turn(iso_datetime(turned.at), True, words.say(becomes, at=at, cause=cause))


def _bare(condition: typed.Condition) -> typed.Condition:
    """A condition without its negations."""
    while isinstance(condition, typed.Not):
        condition = condition.item
    return condition


def _parts(where: typed.Condition | None) -> tuple[typed.Condition, ...]:
    """The conditions that all hold on one event."""
    match where:
        case None:
            return ()
        case typed.And(items=items):
            return items
        case _:
            return (where,)


def _operands(term: Term) -> Iterator[Term]:
    """What an arithmetic is computed from, constants aside."""
    match term:
        case typed.Arithmetic(left=left, right=right):
            yield from _operands(left)
            yield from _operands(right)
        case typed.Constant():
            pass
        case _:
            yield term


def json_value(value: Found | None, found: Measure) -> Any:
    """The JSON form of a term's value: exact decimals where there are any, else the nearest float."""
    match value:
        case Fraction():
            return next((_decimal(value, places) for places in range(7) if _fits(value, places)), float(value))
        case _:
            return to_json(Field("", found.type, found.decimals or 0), value)


def _fits(value: Fraction, places: int) -> bool:
    return bool(10**places % value.denominator == 0)


def _decimal(value: Fraction, places: int) -> Any:
    return int(value) if places == 0 else Decimal(f"{int(value * 10**places)}e-{places}")
