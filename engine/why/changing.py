"""What would have to change for a condition to turn out otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import inf, nextafter
from typing import Any

from dsl import typed
from dsl.folding import fold
from dsl.measure import Measure, measure
from dsl.moments import CALENDAR, TIMELINE, Window, midnight
from dsl.schema import CONTACT_SYSTEM_FIELDS, Field, Type
from dsl.typed import FieldTerm, Predicate, Scope, Term
from engine.values import iso_datetime, to_json
from engine.why.answer import Change
from engine.why.contact import Contact, Found
from engine.why.following import followed
from engine.why.spans import spans_hit
from engine.why.texts import Texts
from engine.why.words import Need, Phrase, Words

SYSTEM = frozenset({*CONTACT_SYSTEM_FIELDS, "company"})
"""Fields that no upsert sets."""


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes for one contact, in the words of one language; `texts` are those of the expression."""

    contact: Contact
    texts: Texts
    words: Words

    def turning(self, condition: typed.Condition, wanted: bool) -> Change:
        """One change, or several together, that make `condition` turn out `wanted`, which it does not yet."""
        changes = list(self.all(condition, wanted))
        sentence = self.words.language.all_of([change.sentence for change in changes])
        if len(changes) == 1:
            return changes[0]
        sets = [change.set for change in changes]
        together = None if None in sets else {name: value for each in sets if each for name, value in each.items()}
        possible = all(change.possible for change in changes)
        return Change(sentence, possible, together if together and len(together) == len(sets) else None)

    def written(self, text: str) -> str:
        """A folded text as the expression has it; one that came by a parameter stays folded."""
        return self.texts.written.get(text, text)

    def all(self, condition: typed.Condition, wanted: bool) -> Iterator[Change]:
        """What must change together; of several ways there are, the first."""
        match condition:
            case typed.Not(item=item):
                yield from self.all(item, not wanted)
            case typed.OfCompany(item=item):
                yield from self.all(item, wanted)
            case typed.And(items=items) | typed.Or(items=items):
                wrong = [item for item in items if self.contact.holds(item) is not wanted]
                every = isinstance(condition, typed.And) is wanted
                for item in wrong if every else wrong[:1]:
                    yield from self.all(item, wanted)
            case _:
                yield self.one(condition, wanted)

    def one(self, condition: typed.Condition, wanted: bool) -> Change:
        match condition:
            case typed.Test(term=term, predicate=predicate):
                return self.test(term, predicate, wanted)
            case typed.Compare():
                return self.compare(condition, wanted)
            case typed.Did():
                return self.did(condition, wanted)
            case typed.Regularity():
                return self.regularity(condition, wanted)
            case typed.Sequence():
                return self.sequence(condition, wanted)
            case typed.Sample():
                return Change(self.words.say(Phrase.DRAW_STAYS), possible=False)
            case _:
                return Change(self.words.say(Phrase.NEVER), possible=False)

    # --- values ---

    def test(self, term: Term, predicate: Predicate, wanted: bool) -> Change:
        if isinstance(term, typed.Bucket):
            return Change(self.words.say(Phrase.DRAW_STAYS), possible=False)
        need = self.need(predicate, measure(term), wanted)
        if need is None:
            return Change(self.words.say(Phrase.NEVER), possible=False)
        value = self.contact.value(term)
        return Change(
            self.words.say(
                Phrase.MUST, term=self.texts.at(term.span), need=need, alternative=self.alternative(need, wanted),
                now=self.now(value, measure(term)),
            ),
            set=self.settings(term, predicate, value, wanted),
        )  # fmt: skip

    def alternative(self, need: str, wanted: bool) -> str:
        """A missing value is as good as a contrary one."""
        alone = wanted or need == self.words.need(Need.SET, wanted)
        return "" if alone else self.words.say(Phrase.OR_MISSING)

    def now(self, value: Found | None, found: Measure) -> str:
        if value is None:
            return self.words.say(Phrase.IT_IS_MISSING)
        return self.words.say(Phrase.IT_IS, value=self.shown(value, found))

    def shown(self, value: Found, found: Measure) -> str:
        return self.words.value(value, found, self.contact.clock.zone)

    def need(self, predicate: Predicate, found: Measure, wanted: bool) -> str | None:
        """What is needed of the value; None when no value will do."""
        words = self.words
        match predicate:
            case typed.OneOf(values=()) | typed.ExactlyOneOf(values=()) | typed.HasAny(values=()):
                return None
            case typed.OneOf(values=values) if found.is_temporal and not _existing(values, found.type):
                return None
            case typed.OneOf(values=(value,)):
                return words.need(Need.EQUAL, wanted, value=self.literal(value, found))
            case typed.OneOf(values=values):
                return words.need(Need.ONE_OF, wanted, value=self.either(values, found, wanted))
            case typed.ExactlyOneOf(values=values):
                return words.need(Need.EXACTLY, wanted, value=self.either(values, found, wanted))
            case typed.Range() | typed.During() if found.is_temporal:
                return self.during(self.period(predicate, found.type), found, wanted)
            case typed.Range():
                return self.ranged(predicate, found, wanted)
            case typed.Anniversary(window):
                return self.anniversary(window, wanted)
            case typed.StartsWith(text) | typed.EndsWith(text) | typed.Contains(text) | typed.Like(text):
                return words.need(_TEXTUAL[type(predicate)], wanted, value=words.language.quoted(self.written(text)))
            case typed.Matches(pattern):
                return words.need(Need.MATCHES, wanted, value=words.language.quoted(pattern))
            case typed.HasAny(values=values):
                return words.need(Need.HAS_ANY, wanted, value=words.texts([*map(self.written, values)]))
            case typed.HasAll(values=values):
                return words.need(Need.HAS_ALL, wanted, value=words.texts([*map(self.written, values)]))
            case typed.IsSet():
                return words.need(Need.SET, wanted)
            case _:
                raise TypeError(f"nothing is needed for {type(predicate).__name__}")

    def literal(self, value: Any, found: Measure) -> str:
        """A value of the expression."""
        return self.shown(self.written(value) if isinstance(value, str) else value, found)

    def either(self, values: Iterable[Any], found: Measure, wanted: bool) -> str:
        shown = [self.literal(value, found) for value in values]
        language = self.words.language
        return language.any_of(shown) if wanted else language.none_of(shown)

    def ranged(self, bounds: typed.Range, found: Measure, wanted: bool) -> str | None:
        low = "" if bounds.low is None else self.shown(bounds.low, found)
        high = "" if bounds.high is None else self.shown(bounds.high, found)
        match bounds.low, bounds.high:
            case None, None:
                return self.words.need(Need.SET, wanted)
            case _, None:
                return self.words.need(Need.ABOVE if bounds.low_open else Need.AT_LEAST, wanted, low=low)
            case None, _:
                return self.words.need(Need.BELOW if bounds.high_open else Need.AT_MOST, wanted, high=high)
            case bottom, top if bottom > top:
                return None
            case _:
                return self.words.need(Need.BETWEEN, wanted, low=low, high=high)

    def during(self, period: range, found: Measure, wanted: bool) -> str | None:
        """Of a date or datetime; a period that ends where time does has no end to tell."""
        ever = _ever(found.type)
        if not period:
            return None
        match period.start > ever.start, period.stop < ever.stop:
            case False, False:
                return self.words.need(Need.SET, wanted)
            case True, False:
                return self.words.need(Need.FROM, wanted, low=self.shown(period.start, found))
            case False, True:
                return self.words.need(Need.UNTIL, wanted, high=self.shown(period.stop, found))
            case _:
                low, high = self.shown(period.start, found), self.shown(period.stop, found)
                return self.words.need(Need.DURING, wanted, low=low, high=high)

    def period(self, predicate: typed.Range | typed.During, type: Type) -> range:
        """The days or the instants that satisfy a predicate, of all that there are."""
        match predicate:
            case typed.Range(low, high):
                return _within(None if low is None else int(low), None if high is None else int(high) + 1, _ever(type))
            case typed.During(window):
                clock = self.contact.clock
                return _within(*(window.days(clock) if type is Type.DATE else window.instants(clock)), _ever(type))

    def anniversary(self, window: Window, wanted: bool) -> str | None:
        start, end = window.days(self.contact.clock)
        if start is None or end is None:
            return self.words.need(Need.SET, wanted)
        if start >= end:
            return None
        if end == CALENDAR.stop:
            return self.words.need(Need.ANNIVERSARY_FROM, wanted, low=self.words.day(start))
        return self.words.need(Need.ANNIVERSARY, wanted, low=self.words.day(start), high=self.words.day(end))

    # --- values that would do ---

    def settings(self, term: Term, predicate: Predicate, value: Found | None, wanted: bool) -> dict[str, Any] | None:
        """A field of the contact with a value that does it; clearing a field makes every test of it false."""
        match term:
            case FieldTerm(scope=Scope.CONTACTS, field=field) if field.name not in SYSTEM:
                if not wanted:
                    return {field.name: None}
                fitting = self.fitting(field, predicate, value)
                return None if fitting is None else {field.name: to_json(field, fitting)}
            case _:
                return None

    def fitting(self, field: Field, predicate: Predicate, value: Found | None) -> Any:
        """A physical value that satisfies the predicate, near to the one there is; None where none is at hand."""
        match predicate:
            case typed.OneOf(values=values) if field.type in (Type.DATE, Type.DATETIME):
                return next(iter(_existing(values, field.type)), None)
            case typed.OneOf(values=(first, *_)):
                return _option(field, self.written(first) if isinstance(first, str) else first)
            case typed.ExactlyOneOf(values=(first, *_)):
                return first
            case typed.StartsWith(text) | typed.EndsWith(text) | typed.Contains(text):
                return self.written(text) if field.type is Type.TEXT else _fitting_option(field, predicate)
            case typed.Like(pattern):
                return self.written(pattern).replace("%", "").replace("_", "x") if field.type is Type.TEXT else None
            case typed.HasAny(values=(first, *_)):
                return [*_tags(value), self.written(first)]
            case typed.HasAll(values=values):
                there = _tags(value)
                known = {fold(tag) for tag in there}
                return [*there, *(self.written(tag) for tag in values if tag not in known)]
            case typed.Range() | typed.During() if field.type in (Type.DATE, Type.DATETIME):
                return _nearest_time(self.period(predicate, field.type), _ever(field.type), value)
            case typed.Range():
                return _nearest(predicate, field, value)
            case typed.Anniversary(window):
                start, end = window.days(self.contact.clock)
                day = start if start is not None else None if end is None else end - 1
                if day is None:
                    return None
                return day if field.type is Type.DATE else midnight(day, self.contact.clock.zone)
            case _:
                return None

    # --- two values ---

    def compare(self, compare: typed.Compare, wanted: bool) -> Change:
        left, right = self.texts.at(compare.left.span), self.texts.at(compare.right.span)
        found = [self.found(compare.left), self.found(compare.right)]
        return Change(
            self.words.say(
                Phrase.COMPARED,
                left=left,
                comparator=self.words.comparators[compare.operator][not wanted],
                right=right,
                alternative="" if wanted else self.words.say(Phrase.OR_MISSING),
                found=self.words.language.all_of(found),
            )
        )

    def found(self, term: Term) -> str:
        """What a term is for the contact, in words."""
        name, value = self.texts.at(term.span), self.contact.value(term)
        if value is None:
            return self.words.say(Phrase.MISSING, term=name)
        return self.words.say(Phrase.IS, term=name, value=self.shown(value, measure(term)))

    # --- events ---

    def did(self, did: typed.Did, wanted: bool) -> Change:
        found = len(self.contact.events(did.selector))
        more = needed_more(found, did.low, did.high, wanted)
        if more == 0:
            return Change(self.words.say(Phrase.NEVER), possible=False)
        phrase = Phrase.MORE_EVENTS if more > 0 else Phrase.FEWER_EVENTS
        selector, shown = self.texts.at(did.selector.span), self.words.language.number(Decimal(found))
        sentence = self.words.counted(phrase, abs(more), selector=selector, found=shown)
        return Change(sentence, add=self.event(did.selector), times=more) if more > 0 else Change(sentence)

    def event(self, selector: typed.Selector) -> dict[str, Any] | None:
        """An event that a selector without conditions names."""
        clock = self.contact.clock
        start, end = (None, None) if selector.window is None else selector.window.instants(clock)
        if selector.where is not None or selector.event is None or (None not in (start, end) and start == end):
            return None
        at = clock.now if start is None else max(start, clock.now)
        at = at if end is None else min(at, end - 1)
        return {"contact": self.contact.id, "type": selector.event, "at": iso_datetime(at)}

    def regularity(self, node: typed.Regularity, wanted: bool) -> Change:
        more = needed_more(len(spans_hit(self.contact, node)), node.low, node.high, wanted)
        if more == 0 or len(spans_hit(self.contact, node)) + more > node.spans:
            return Change(self.words.say(Phrase.NEVER), possible=False)
        phrase = Phrase.MORE_SPANS if more > 0 else Phrase.FEWER_SPANS
        return Change(self.words.counted(phrase, abs(more), selector=self.texts.at(node.selector.span)))

    def sequence(self, node: typed.Sequence, wanted: bool) -> Change:
        if not wanted:
            return Change(self.words.say(Phrase.SEQUENCE_UNWANTED))
        how, zone = followed(self.contact, node), self.contact.clock.zone
        step = {"step": str(how.reached + 1), "selector": self.step(node, how.reached)}
        if how.intruder is not None:
            at = self.words.instant(how.intruder.at, zone)
            return Change(self.words.say(Phrase.STEP_UNWANTED, at=at, **step))
        when = ""
        if how.last is not None and how.deadline is not None:
            after, deadline = self.words.instant(how.last.at, zone), self.words.instant(how.deadline, zone)
            when = self.words.say(Phrase.STEP_BY, after=after, deadline=deadline)
        return Change(self.words.say(Phrase.STEP_NEEDED, when=when, **step))

    def step(self, node: typed.Sequence, place: int) -> str:
        return self.texts.at(node.steps[place].span)


def needed_more(found: int, low: int, high: int | None, wanted: bool) -> int:
    """How many more make `low <= found <= high` turn out `wanted`; fewer when negative, 0 when no number does.

    >>> needed_more(2, 3, None, True), needed_more(5, 3, None, False), needed_more(0, 0, 0, False)
    (1, -3, 1)
    """
    if wanted:
        return low - found if found < low else (high if high is not None else found) - found
    fewer = low - 1 - found
    return fewer if high is None or (low > 0 and -fewer <= high + 1 - found) else high + 1 - found


_TEXTUAL = {
    typed.StartsWith: Need.STARTS,
    typed.EndsWith: Need.ENDS,
    typed.Contains: Need.CONTAINS,
    typed.Like: Need.LIKE,
}


def _ever(type: Type) -> range:
    """Every day, or every instant, that there is."""
    return CALENDAR if type is Type.DATE else TIMELINE


def _existing(values: Iterable[Any], type: Type) -> list[int]:
    """The days or the instants that there are, of those given."""
    return [value for value in values if value in _ever(type)]


def _within(start: int | None, end: int | None, ever: range) -> range:
    """[start, end), as far as it lies within `ever`; absent ends are those of `ever`."""
    return range(
        ever.start if start is None else max(start, ever.start), ever.stop if end is None else min(end, ever.stop)
    )


def _tags(value: Found | None) -> list[str]:
    return list(value) if isinstance(value, tuple | list) else []


def _option(field: Field, value: Any) -> Any:
    """A choice is given as its option is written."""
    if field.type is not Type.CHOICE:
        return value
    return next(option for option in field.options if fold(option) == fold(value))


def _fitting_option(field: Field, predicate: typed.StartsWith | typed.EndsWith | typed.Contains) -> str | None:
    def fits(option: str) -> bool:
        match predicate:
            case typed.StartsWith(text):
                return fold(option).startswith(text)
            case typed.EndsWith(text):
                return fold(option).endswith(text)
            case typed.Contains(text):
                return text in fold(option)

    return next((option for option in field.options if fits(option)), None)


def _nearest(bounds: typed.Range, field: Field, value: Found | None) -> Any:
    """The end of a range that a value is nearest to."""
    low, high = bounds.low, bounds.high
    if field.type is Type.FLOAT:
        low = None if low is None else nextafter(low, inf) if bounds.low_open else low
        high = None if high is None else nextafter(high, -inf) if bounds.high_open else high
    if low is not None and high is not None and low > high:
        return None
    if low is None:
        return high if high is not None else 0
    above = isinstance(value, int | float) and value > low
    return high if above and high is not None else low


def _nearest_time(period: range, ever: range, value: Found | None) -> int | None:
    """The end of a period that a day or an instant is nearest to."""
    if not period:
        return None
    if period.start == ever.start:
        return 0 if period.stop == ever.stop else period[-1]
    above = isinstance(value, int) and value > period.start
    return period[-1] if above and period.stop < ever.stop else period.start
