"""The walk over the surface tree.

Every condition is a relative clause (`whose country is “France”`, `who had at least one purchase event`), so that
clauses join in any number. A group inside another stands in parentheses, and so do the conditions on events: a
sentence reads one way only. A negation goes inside the clause it denies, where that clause has a form for it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

from dsl import tree
from dsl.describe import times
from dsl.describe.english import ENGLISH
from dsl.describe.language import Language, Negatable, Noun, Said
from dsl.schema import Field, Schema, Type
from dsl.tree import Bound, Comparator, Quantifier, When
from dsl.typed import AggregateFunction, CutKind, Operator, Part


def describe(selection: tree.Selection, language: Language = ENGLISH, *, schema: Schema | None = None) -> str:
    """The expression as one sentence. Fields are called by the labels that `schema` has for them.

    The expression need not be sound: what the checker would refuse is described too, as well as it can be.
    """
    sentence = _Describer(language, schema).selection(selection)
    return f"{sentence[0].upper()}{sentence[1:]}."


_MIRRORED = {
    Comparator.LESS: Comparator.GREATER,
    Comparator.LESS_EQUAL: Comparator.GREATER_EQUAL,
    Comparator.GREATER: Comparator.LESS,
    Comparator.GREATER_EQUAL: Comparator.LESS_EQUAL,
}
"""How two values compare when they change sides; as before where it is not here."""

_DIRECTIONS = {Operator.ADD: Said.LATER, Operator.SUBTRACT: Said.EARLIER}


def _has_negation(node: tree.Expression) -> bool:
    """Whether a clause for it has a form that denies it."""
    match node:
        case tree.Not() | tree.Except() | tree.Both() | tree.Either() | tree.Quorum() | tree.Everyone() | tree.Nobody():
            return False
        case tree.Has(quantifier=Quantifier.NONE):
            return False
        case _:
            return True


def _nth(names: Sequence[str], number: Decimal) -> str | None:
    """The name of month or weekday `number`, from 1 on; None when there is none."""
    return names[int(number) - 1] if number in range(1, len(names) + 1) else None


def _is_zero(frequency: tree.Frequency) -> bool:
    exactly = frequency.bound is Bound.EXACTLY
    return exactly and isinstance(frequency.count, tree.Number) and frequency.count.value == 0


@dataclass(frozen=True, slots=True)
class _Term:
    """A value: `text` after a possessive, `alone` anywhere else. `owned` when a possessive can stand before it."""

    text: str
    alone: str
    marked: bool = False
    owned: bool = False


@dataclass(frozen=True, slots=True)
class _Describer:
    """What is being described: contacts, or the events of a type (`event` is None for any) when `in_event`."""

    language: Language
    schema: Schema | None
    in_event: bool = False
    event: str | None = None

    # --- the whole ---

    def selection(self, selection: tree.Selection) -> str:
        contacts = self._contacts(selection.condition)
        if selection.cut is None:
            return contacts
        return self.language.say(Said.AMONG_THEM, contacts=contacts, chosen=self._cut(selection.cut))

    def _contacts(self, condition: tree.Expression) -> str:
        match condition:
            case tree.Everyone():
                return self.language.say(Said.EVERYONE)
            case tree.Nobody():
                return self.language.say(Said.NOBODY)
            case _:
                return self.language.say(Said.CONTACTS, clause=self.clause(condition))

    def _cut(self, cut: tree.Cut) -> str:
        one = isinstance(cut.count, tree.Number) and cut.count.value == 1
        count = times.count(cut.count, self.language)
        if cut.kind is CutKind.RANDOM:
            assert cut.seed is not None, "the grammar gives every random cut a seed"
            return self._counted(cut.kind, one, count=count, seed=self._quoted(cut.seed))
        assert cut.by is not None, "the grammar gives every other cut a term"
        extreme = Said.HIGHEST if cut.kind is CutKind.TOP else Said.LOWEST
        return self._counted(cut.kind, one, count=count, clause=self._predicate(cut.by, extreme, False))

    def _counted(self, kind: CutKind, one: bool, **slots: str) -> str:
        return self.language.say(kind, not one, **slots)

    # --- joined conditions ---

    def clause(self, node: tree.Expression, negated: bool = False) -> str:
        """A relative clause that holds for what `node` holds for, or, when `negated`, for all else."""
        match node:
            case tree.Not(item=item) if not negated and _has_negation(item):
                return self.clause(item, True)
            case tree.Not(item=item) if not negated:
                return self._outside(item)
            case tree.Both(items=items) if not negated:
                return self._both(items)
            case tree.Either(items=items) if not negated:
                return self.language.any_of([self._part(item) for item in items])
            case tree.Except(item=item) if not negated:
                return self._outside(item)
            case tree.Quorum() if not negated:
                return self._quorum(node)
            case tree.Everyone() if not negated:
                return self.language.say(Said.WHOEVER)
            case tree.Nobody() if not negated:
                return self.language.say(Said.NO_ONE)
            case _ if negated and not _has_negation(node):
                return self._outside(node)
            case _:
                return self._condition(node, negated)

    def _part(self, node: tree.Expression) -> str:
        """A clause among others."""
        clause = self.clause(node)
        return f"({clause})" if isinstance(node, tree.Both | tree.Either) else clause

    def _outside(self, node: tree.Expression) -> str:
        return self.language.say(Said.OUTSIDE, self.in_event, clause=self.clause(node))

    def _both(self, items: tuple[tree.Expression, ...]) -> str:
        """Exceptions go last: `a except b and c` is a and c, but not b."""
        kept = [self._part(item) for item in items if not isinstance(item, tree.Except)]
        excepted = [self._part(item.item) for item in items if isinstance(item, tree.Except)]
        clause = self.language.all_of(kept)
        if not excepted:
            return clause
        those = self.language.say(Said.NOR_THOSE).join(self._those(part) for part in excepted)
        return self.language.say(Said.BUT_NOT, clause=clause, those=those)

    def _those(self, clause: str) -> str:
        return self.language.say(Said.THOSE, clause=clause)

    def _quorum(self, node: tree.Quorum) -> str:
        groups = self.language.say(Said.NEXT_GROUP).join(self._those(self.clause(item)) for item in node.items)
        if isinstance(node.how, Quantifier):
            return self.language.say(node.how, self.in_event, groups=groups)
        return self.language.say(Said.GROUPS, self.in_event, count=self._frequency(node.how), groups=groups)

    # --- conditions ---

    def _condition(self, node: tree.Expression, negated: bool) -> str:
        """A condition that has a form for its negation."""
        match node:
            case tree.InSegment(segment=segment, rules_only=rules_only):
                said = segment.name if isinstance(segment, tree.Identifier) else segment.value
                pair = Said.RULES if rules_only else Said.MEMBER
                return self._pair(pair, negated, segment=self.language.quoted(said))
            case tree.Sample(percent=percent, seed=seed):
                shown = self.language.number(percent.value)
                return self._pair(Said.SAMPLED, negated, percent=shown, seed=self._quoted(seed))
            case tree.Did() | tree.Regularity() | tree.Sequence():
                return self._did(node, negated != node.negated)
            case tree.Comparison():
                return self._comparison(node, negated)
            case tree.Among(item=item, values=values):
                return self._among(item, values, negated != node.negated)
            case tree.Timed(item=item, timing=timing):
                when = self._when(timing, falls=True)
                return self._predicate(item, Said.FALLS, negated != node.negated, when=when)
            case tree.Anniversary(item=item, timing=timing):
                when = self._when(timing, falls=True)
                subject = self._of(Said.ANNIVERSARY, self.term(item))
                return self._about(subject, self._pair(Said.FALLS, negated != node.negated, when=when))
            case _:
                return self._test(node, negated)

    def _test(self, node: tree.Expression, negated: bool) -> str:
        """A condition about one value."""
        match node:
            case tree.Exactly(item=item, text=text):
                return self._predicate(item, Said.EXACTLY, negated != node.negated, value=self.value(text))
            case tree.Between(item=item, low=low, high=high):
                ends = {"low": self.value(low, item), "high": self.value(high, item)}
                return self._predicate(item, Said.BETWEEN, negated != node.negated, **ends)
            case tree.Textual(test=test, item=item, text=text):
                return self._predicate(item, test, negated != node.negated, value=self.value(text))
            case tree.Matches(item=item, pattern=pattern):
                return self._matches(item, pattern, negated != node.negated)
            case tree.IsSet(item=item):
                return self._predicate(item, Said.KNOWN, negated != node.negated)
            case tree.Has(item=item, quantifier=quantifier, values=values):
                said = Said.INCLUDES if quantifier is None else quantifier
                return self._predicate(item, said, negated != node.negated, value=self._list(values))
            case _:
                return self._predicate(node, Said.TRUE, negated)

    def _comparison(self, node: tree.Comparison, negated: bool) -> str:
        left, right, comparator = node.left, node.right, node.comparator
        if not self.term(left).owned and self.term(right).owned:
            left, right, comparator = right, left, _MIRRORED.get(comparator, comparator)
        if comparator is Comparator.UNEQUAL:
            comparator, negated = Comparator.EQUAL, not negated
        if comparator is Comparator.EQUAL and isinstance(right, tree.Boolean):
            return self._predicate(left, Said.TRUE if right.value else Said.FALSE, negated)
        slots = {"value": self.value(right, left)}
        if self._is_time(left) or self._is_time(right):
            return self._about(
                self.term(left), self._choose(self.language.chronology[comparator], left, negated, slots)
            )
        return self._predicate(left, comparator, negated, **slots)

    def _among(self, item: tree.Expression, values: tree.Values | tree.Parameter, negated: bool) -> str:
        if isinstance(values, tree.Parameter):
            return self._predicate(item, Said.IN_LIST, negated, value=times.parameter(values))
        said = [self.value(value, item) for value in values.items]
        if len(said) == 1:
            return self._predicate(item, Comparator.EQUAL, negated, value=said[0])
        joined = self.language.none_of(said) if negated else self.language.any_of(said)
        return self._predicate(item, Said.ONE_OF, negated, values=joined)

    def _matches(self, item: tree.Expression, pattern: tree.Regex | tree.Text | tree.Parameter, negated: bool) -> str:
        if not isinstance(pattern, tree.Regex):
            return self._predicate(item, Said.MATCHES, negated, value=self.value(pattern))
        said = Said.MATCHES_ANY_CASE if pattern.ignore_case else Said.MATCHES
        return self._predicate(item, said, negated, value=self.language.quoted(pattern.pattern))

    def _list(self, values: tree.Text | tree.Values | tree.Parameter) -> str:
        if isinstance(values, tree.Values):
            return self.language.all_of([self.value(value) for value in values.items])
        return self.value(values)

    # --- predicates ---

    def _predicate(self, item: tree.Expression, key: Negatable, negated: bool, **slots: str) -> str:
        return self._about(self.term(item), self._choose(self.language.pairs[key], item, negated, slots))

    def _choose(self, pair: tuple[str, str], item: tree.Expression, negated: bool, slots: Mapping[str, str]) -> str:
        return self.language.fill(pair[negated], self.term(item).marked, **slots)

    def _about(self, term: _Term, predicate: str) -> str:
        if term.owned:
            return self.language.say(Said.POSSESSED, term=term.text, predicate=predicate)
        return self.language.say(Said.CONCERNED, self.in_event, term=term.alone, predicate=predicate)

    def _pair(self, key: Negatable, negated: bool, **slots: str) -> str:
        return self.language.fill(self.language.pairs[key][negated], **slots)

    # --- events ---

    def _did(self, node: tree.Did | tree.Regularity | tree.Sequence, negated: bool) -> str:
        match node:
            case tree.Did(selector=selector, times=frequency):
                return self._often(selector, frequency, negated)
            case tree.Regularity():
                return self._pair(Said.DID, negated, events=self._regularly(node))
            case tree.Sequence(first=first, steps=steps):
                then = "".join(self._step(step) for step in steps)
                return self._pair(Said.SEQUENCE, negated, first=self._events(first, many=False), then=then)
            case _:
                raise TypeError(f"no clause for {type(node).__name__}")

    def _often(self, selector: tree.Selector, frequency: tree.Frequency | None, negated: bool) -> str:
        if negated if frequency is None else _is_zero(frequency) and not negated:
            one, many = self._events(selector, many=False), self._events(selector, many=True)
            return self.language.say(Said.ZERO, event=one, events=many)
        if frequency is None:
            return self._pair(Said.DID, False, events=self._some(selector))
        events = self._events(selector, many=not self._is_one(frequency))
        return self._pair(Said.DID, negated, events=f"{self._frequency(frequency)} {events}")

    def _some(self, selector: tree.Selector) -> str:
        return self.language.say(Said.SOME, event=self._events(selector, many=False))

    def _regularly(self, node: tree.Regularity) -> str:
        period = times.noun(tree.RollingPeriod(node.span, tree.Which.LAST, node.spans), self.language)
        count = self._frequency(node.frequency)
        return self.language.say(Said.REGULARLY, events=self._some(node.selector), count=count, period=period)

    def _step(self, step: tree.Step) -> str:
        length = times.duration(step.within, self.language) if step.within else ""
        within = self.language.say(Said.WITHIN, duration=length) if step.within else ""
        said = Said.NOT_FOLLOWED if step.absent else Said.THEN
        return self.language.say(said, event=self._events(step.selector, many=False), within=within)

    def _events(self, selector: tree.Selector, *, many: bool) -> str:
        """`purchase events (whose amount is more than 50) in the last 90 days`."""
        said = self._called(selector.event, many)
        if selector.where is not None:
            said += f" ({self._inside(selector).clause(selector.where)})"
        return f"{said} {self._when(selector.timing)}" if selector.timing else said

    def _called(self, event: tree.Identifier | None, many: bool) -> str:
        if event is None:
            return self.language.say(Said.MANY_ANY_EVENTS if many else Said.ONE_ANY_EVENT)
        said = Said.MANY_EVENTS if many else Said.ONE_EVENT
        return self.language.say(said, name=self.language.named(event.name))

    def _inside(self, selector: tree.Selector) -> _Describer:
        return replace(self, in_event=True, event=selector.event.name if selector.event else None)

    def _frequency(self, node: tree.Frequency) -> str:
        high = self.value(node.high) if node.high else ""
        return self.language.say(node.bound, count=self.value(node.count), high=high)

    def _is_one(self, node: tree.Frequency) -> bool:
        last = node.high or node.count
        return isinstance(last, tree.Number) and self.language.is_one(last.value)

    # --- time ---

    def _when(self, timing: tree.Timing, *, falls: bool = False) -> str:
        """A bound in time, of events or of what a field holds."""
        first = timing.first
        if timing.when in (When.IN, When.ON):
            return self._at(timing.when, first)
        if isinstance(first, tree.Ago) and (aged := times.bounded_by_age(timing.when, first, self.language)):
            return aged
        last = self._moment(timing.last) if timing.last else ""
        template = self.language.timings[timing.when]
        if falls:
            template = self.language.limits.get(timing.when, template)
        return self.language.fill(template, time=self._moment(first), last=last)

    def _at(self, when: When, node: tree.Expression) -> str:
        if isinstance(node, tree.Number):
            return times.year(node, self.language)
        if isinstance(node, times.Time):
            return times.adverb(node, self.language)
        return self.language.fill(self.language.timings[when], time=self._moment(node))

    def _moment(self, node: tree.Expression) -> str:
        return f"{node.value:f}" if isinstance(node, tree.Number) else self.value(node)

    def _is_time(self, node: tree.Expression) -> bool:
        """Whether a value is surely a date or a datetime."""
        match node:
            case tree.Aggregate(function=AggregateFunction.FIRST | AggregateFunction.LAST, property=None):
                return True
            case tree.FieldName():
                field = self._declared(node)
                return field is not None and field.type in (Type.DATE, Type.DATETIME)
            case tree.Arithmetic(operands=operands):
                return any(isinstance(operand, tree.Duration) or self._is_time(operand) for operand in operands)
            case _:
                return isinstance(node, times.Time)

    # --- values ---

    def value(self, node: tree.Expression, beside: tree.Expression | None = None) -> str:
        """A value that stands alone; `beside` is what it is compared with: month 12 is December."""
        match node:
            case tree.Number(value=number):
                return self._number(node, beside) or self.language.number(number)
            case _:
                return self.term(node).alone

    def _number(self, number: tree.Number, beside: tree.Expression | None) -> str | None:
        """The name that a number has beside a part of a date."""
        match beside:
            case None:
                return None
            case tree.DatePart(part=Part.MONTH):
                return _nth(self.language.months, number.value)
            case tree.DatePart(part=Part.WEEKDAY):
                return _nth(self.language.weekdays, number.value)
            case tree.DatePart(part=Part.YEAR):
                return f"{number.value:f}"
            case _:
                return f"{number.value:f}" if self._is_time(beside) else None

    def term(self, node: tree.Expression) -> _Term:
        match node:
            case tree.FieldName():
                return self._field(node)
            case tree.Aggregate():
                return self._aggregate(node)
            case tree.DatePart(part=part, item=item):
                return self._date_part(part, item)
            case tree.Bucket(seed=seed, buckets=buckets):
                count = times.count(buckets, self.language)
                return self._the(self.language.say(Said.BUCKET, buckets=count, seed=self._quoted(seed)))
            case _:
                said = self._alone(node)
                return _Term(said, said)

    def _alone(self, node: tree.Expression) -> str:
        match node:
            case tree.Text():
                return self._quoted(node)
            case tree.Number(value=number):
                return self.language.number(number)
            case tree.Boolean(value=flag):
                return self.language.say(Said.YES if flag else Said.NO)
            case tree.Parameter():
                return times.parameter(node)
            case tree.Same(name=identifier):
                return self.language.say(Said.SAME, name=self._name(identifier.name, None))
            case tree.Arithmetic():
                return self._arithmetic(node)
            case tree.Negative(item=tree.Number(value=number)):
                return self.language.number(-number)
            case tree.Negative(item=item):
                return self.language.say(Said.MINUS, term=self._operand(item))
            case _ if isinstance(node, times.Time):
                return times.noun(node, self.language)
            case _:
                return self.language.say(Said.CONDITION, clause=self.clause(node))

    def _quoted(self, text: tree.Text) -> str:
        return self.language.quoted(text.value)

    def _arithmetic(self, node: tree.Arithmetic) -> str:
        """Operands from left to right; a length of time moves what stands before it."""
        first, *others = node.operands
        said = self._operand(first)
        for operator, operand in zip(node.operators, others, strict=True):
            said = self._moved(said, operator, operand)
        return said

    def _moved(self, said: str, operator: Operator, operand: tree.Expression) -> str:
        if isinstance(operand, tree.Duration) and operator in _DIRECTIONS:
            length = times.duration(operand, self.language)
            return self.language.say(_DIRECTIONS[operator], duration=length, time=said)
        return f"{said} {self.language.operators[operator]} {self._operand(operand)}"

    def _operand(self, node: tree.Expression) -> str:
        said = self.value(node)
        loose = isinstance(node, tree.Arithmetic | tree.Negative) or (
            isinstance(node, tree.Aggregate) and node.selector.timing is not None
        )
        return f"({said})" if loose else said

    # --- terms that belong to someone ---

    def _the(self, text: str, *, marked: bool = False, owned: bool = True) -> _Term:
        return _Term(text, self.language.say(Said.THE, term=text), marked, owned)

    def _of(self, key: Said | Part, item: _Term) -> _Term:
        owned = self.language.say(key, term=item.text)
        alone = self.language.say(Said.THE, term=self.language.say(key, term=item.alone))
        return _Term(owned, alone, isinstance(key, Part) and key in self.language.marked, item.owned)

    def _date_part(self, part: Part, item: tree.Expression) -> _Term:
        term = self.term(item)
        if part is Part.YEARS_SINCE:
            return self._the(self.language.say(part, term=term.alone))
        return self._of(part, term)

    def _aggregate(self, node: tree.Aggregate) -> _Term:
        function, selector = node.function, node.selector
        template = self.language.templates[function]
        if node.property:
            template = self.language.properties.get(function, template)
        property = self._inside(selector).property(node.property)
        one, many = self._events(selector, many=False), self._events(selector, many=True)
        text = self.language.fill(template, property=property, event=one, events=many)
        owned = node.property is None or function in self.language.owned
        return self._the(text, marked=function in self.language.marked, owned=owned)

    def property(self, name: tree.Identifier | None) -> str:
        """A property of the events described, without whose it is."""
        return self._noun(tree.FieldName(name.span, name)).text if name else self.language.say(Said.VALUE)

    def _field(self, node: tree.FieldName) -> _Term:
        noun = self._noun(node)
        their = self.language.possessive[self.in_event]
        if node.owner is None:
            alone = self.language.say(Said.THE_FIELD, their=their, field=noun.text)
            return _Term(noun.text, alone, noun.marked, True)
        owner = self._owner(node.owner)
        text = self.language.say(Said.FIELD_OF, owner=owner, field=noun.text)
        alone = self.language.say(Said.THE_FIELD_OF, their=their, owner=owner, field=noun.text)
        return _Term(text, alone, noun.marked, True)

    def _owner(self, owner: tree.Identifier) -> str:
        noun = self.language.contact_nouns.get(owner.name)
        return noun.text if noun else self.language.named(owner.name)

    def _noun(self, node: tree.FieldName) -> Noun:
        """What a field is called: by its label, as a field every row has, or by its name."""
        nouns = self.language.event_nouns if self.in_event else self.language.contact_nouns
        if (node.owner is None or node.name.name == "id") and node.name.name in nouns:
            return nouns[node.name.name]
        name = self._name(node.name.name, node.owner)
        marked = self.language.is_marked(name) and not self._is_time(node)
        return Noun(self.language.say(Said.FIELD, name=name), marked)

    def _name(self, name: str, owner: tree.Identifier | None) -> str:
        field = self._fields(owner).get(name)
        return self.language.named(field.label if field and field.label else name)

    def _declared(self, node: tree.FieldName) -> Field | None:
        return self._fields(node.owner).get(node.name.name)

    def _fields(self, owner: tree.Identifier | None) -> Mapping[str, Field]:
        if self.schema is None:
            return {}
        if owner is not None:
            return self.schema.companies
        return self.schema.events.get(self.event or "", {}) if self.in_event else self.schema.contacts
