"""What may be offered at a slot: phrases, names, values. The parser has the last word on each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from dsl import tree
from dsl.complete import phrases
from dsl.complete.items import Counted, Held, Item, Kind, Offer, Rank, Values
from dsl.complete.phrases import Phrase
from dsl.complete.prefix import Reached
from dsl.complete.slot import COMPARATORS, Slot, Want, type_at
from dsl.complete.subject import (
    NUMERIC,
    ORDERED,
    TEMPORAL,
    TEXTUAL,
    Source,
    company_fields,
    fields_of,
    properties_of,
    subject_of,
)
from dsl.folding import fold
from dsl.lexing import name_written
from dsl.literals import quoted
from dsl.names import COMPANY
from dsl.schema import EVENT_SYSTEM_FIELDS, Field, Schema, Type
from dsl.terms import PROPERTY_TYPES
from dsl.typed import AggregateFunction, Scope

_VALUED = COMPARATORS | {"IN", "CONTAINS", "STARTS", "ENDS", "EXACTLY", "HAS"}
"""The verbs that compare with texts a column may hold."""
_VARIED = COMPARATORS | {"BETWEEN"}
"""The verbs that compare with values that differ from row to row; the others take constants."""
_EQUALITIES = frozenset({"EQUAL", "UNEQUAL", "COLON"})
_COMPARING = frozenset({"EQUAL", "UNEQUAL", "LESS", "LESS_EQUAL", "GREATER", "GREATER_EQUAL"})
_ONLY_AFTER: Mapping[tuple[str, ...], str] = MappingProxyType({("OF",): "PART", ("NOW",): "FROM", ("LAST",): "OF"})
"""Words that go on with one other only."""
_KEEPING = frozenset({"first", "last", "min", "max"})
"""Functions whose value is one of the property's."""
_PARAMETRIC = frozenset({Want.VALUE, Want.OPERAND, Want.TIME, Want.SPAN, Want.REST})
"""Where a parameter may stand."""
_MOMENTS = (tree.Day, tree.Instant, tree.Ago, tree.NamedMoment, tree.Duration)
"""What durations can move, or be added to."""


@dataclass(frozen=True)
class Offers:
    """Everything that fits one slot. `typed`, folded, tells the data which values to look for; it filters no others."""

    reached: Reached
    slot: Slot
    schema: Schema
    segments: Mapping[str, str]
    values: Values
    typed: str
    limit: int
    after: str
    """The text after the cursor's word."""

    def all(self, parameters: Sequence[str]) -> Iterator[Offer]:
        """Offers that the parser can take here."""
        if self.slot.want is Want.NOTHING:
            return
        made = self._owned() if self.slot.owned else self._made(parameters)
        yield from (offer for offer in made if self.reached.allows(offer.terminals))

    def _made(self, parameters: Sequence[str]) -> Iterator[Offer]:
        yield from self._phrases()
        yield from self._parameters(parameters)
        match self.slot.want:
            case Want.VALUE:
                yield from self._values()
                yield from self._fields()
                yield from self._same()
            case Want.CONDITION | Want.OPERAND | Want.DATED | Want.RANKED:
                yield from self._fields()
            case Want.EVENT:
                yield from self._events()
            case Want.MEASURE:
                yield from self._measures()
            case Want.SEGMENT:
                yield from self._segments()
            case Want.EARLIER:
                yield from self._same()
            case Want.REST if self._measured_name is not None:
                yield from self._of_events(self._measured_name)

    # --- words ---

    def _phrases(self) -> Iterator[Offer]:
        for tables, fits in (
            (phrases.OPERATORS, self._asks),
            (phrases.SIGNS, self._combines),
            (phrases.JOINTS, self._joins),
            (phrases.OPENINGS, self._opens),
            (phrases.GROUPS, self._anywhere),
            (phrases.FUNCTIONS, self._varies),
            (phrases.MOMENTS, self._is_constant),
            (phrases.SPANS, self._spans),
            (phrases.UNITS, self._units),
            (phrases.EVENTS, self._any_event),
            (phrases.SEQUELS, self._follows),
            (phrases.PARENTHESES, self._encloses),
        ):
            yield from (_said(phrase) for phrase in tables if self.slot.want in phrase.wants and fits(phrase))

    def _anywhere(self, phrase: Phrase) -> bool:
        return True

    def _asks(self, phrase: Phrase) -> bool:
        subject = self.slot.subject
        if subject.is_constant and phrase.terminals[0] not in _COMPARING:
            return False
        return subject.is_any(phrase.types)

    def _combines(self, phrase: Phrase) -> bool:
        """Signs combine numbers, and move moments that are written out."""
        if not self.reached.allows(("PLUS",)):
            return False
        moved = isinstance(self.reached.before("PLUS"), _MOMENTS) and phrase.terminals[0] in ("PLUS", "MINUS")
        return moved or self._follows_number

    @property
    def _follows_number(self) -> bool:
        """Whether a number, or what may be one, stands just before the cursor, where a sign could follow."""
        return subject_of(self.reached.before("PLUS"), self.schema, self.slot.ground).is_any(NUMERIC)

    def _joins(self, phrase: Phrase) -> bool:
        """A subject is a condition when it is true or false."""
        subject = self.slot.subject
        return self.slot.want is not Want.TEST or (subject.is_any(phrase.types) and not subject.is_constant)

    def _encloses(self, phrase: Phrase) -> bool:
        """Parentheses end where what is in them is whole."""
        subject, want = self.slot.subject, self.slot.want
        if phrase.terminals == ("LPAR",):
            return want is not Want.OPERAND or subject.is_any(NUMERIC)
        if want is Want.TEST:
            return self.slot.grouped or (subject.is_any(frozenset({Type.BOOLEAN})) and not subject.is_constant)
        return self._follows(phrase)

    def _opens(self, phrase: Phrase) -> bool:
        return self.slot.ground.scope is Scope.CONTACTS

    def _varies(self, phrase: Phrase) -> bool:
        if phrase.of_contacts and self.slot.ground.scope is not Scope.CONTACTS:
            return False
        return (
            self._takes_varying
            and self._takes(phrase.types)
            and (not phrase.of_contacts or self.slot.subject.scope is not Scope.COMPANIES)
        )

    @property
    def _takes_varying(self) -> bool:
        return _is_varying(self.slot)

    def _takes(self, types: frozenset[Type]) -> bool:
        """Whether a value of one of these types could stand in the slot."""
        wanted = self._wanted
        return wanted is None or bool(wanted & types)

    @cached_property
    def _wanted(self) -> frozenset[Type] | None:
        return self._wanted_in(self.slot)

    def _wanted_in(self, slot: Slot | None) -> frozenset[Type] | None:
        """The types of values wanted; None for any."""
        if slot is None:
            return None
        match slot.want:
            case Want.OPERAND:
                return NUMERIC if slot.subject.is_any(NUMERIC) else frozenset()
            case Want.RANKED:
                return ORDERED
            case Want.DATED:
                return frozenset({Type.DATETIME}) if slot.function == "hour" else TEMPORAL
            case Want.MEASURE:
                return self._wanted_in(slot.around)
            case Want.VALUE:
                alike = frozenset(t for t in Type if slot.subject.compares_with(t) and t is not Type.TAGS)
                return alike if slot.verb in _EQUALITIES else alike & ORDERED
            case _:
                return None

    def _is_constant(self, phrase: Phrase) -> bool:
        """Constants are compared with what varies."""
        return self.slot.want is Want.TIME or (
            not self.slot.subject.is_constant and self.slot.subject.is_any(phrase.types)
        )

    def _spans(self, phrase: Phrase) -> bool:
        return self.slot.want is Want.SPAN or self.slot.subject.type in TEMPORAL

    def _units(self, phrase: Phrase) -> bool:
        return self.slot.timed

    def _any_event(self, phrase: Phrase) -> bool:
        """All events have an id and a moment, and nothing else in common."""
        if phrase.terminals == ("NOT",):
            return self.slot.want is Want.EVENT
        named = self.slot.property
        return (named is None and self._measures_alone) or named in EVENT_SYSTEM_FIELDS

    @property
    def _measures_alone(self) -> bool:
        """Whether events do without a property: for their count, or the moment of the first or last."""
        match self.slot.function:
            case None | "count":
                return True
            case "first" | "last":
                return self._takes(frozenset({Type.DATETIME}))
            case _:
                return False

    def _follows(self, phrase: Phrase) -> bool:
        """In `sum(amount`, where a property is named, its events come next and nothing else."""
        top = type_at(self.reached.stack, -1)
        if phrase.terminals in _ONLY_AFTER:
            return top == _ONLY_AFTER[phrase.terminals]
        if self.slot.around is not None and not _is_varying(self.slot.around):
            return False
        if phrase.terminals == ("TIMES",) and self.reached.allows(("PLUS",)):  # `between 2 and 5 times`
            return self._follows_number
        if phrase.terminals[0] in ("AGO", "FROM"):  # a duration that moves a moment stands as it is
            return type_at(self.reached.stack, -3) not in ("PLUS", "MINUS")
        return self._measured_name is None or self._measured_name in self.schema.events

    @cached_property
    def _measured_name(self) -> str | None:
        """The name right after a function's parenthesis."""
        stack = self.reached.stack
        named = type_at(stack, -1) in ("NAME", "QUOTED_NAME") and type_at(stack, -3) == "FUNCTION"
        return stack[-1].value.strip("`") if named else None

    # --- names ---

    def _fields(self) -> Iterator[Offer]:
        if not self._takes_varying:
            return
        slot = self.slot
        kind = Kind.FIELD if slot.ground.scope is Scope.CONTACTS else Kind.PROPERTY
        if slot.subject.scope is not Scope.COMPANIES:
            yield from self._named(fields_of(self.schema, slot.ground), kind, "")
        if slot.ground.scope is Scope.CONTACTS and slot.subject.scope is not Scope.CONTACTS and self.schema.companies:
            yield from self._named(company_fields(self.schema), Kind.FIELD, f"{COMPANY}.")

    def _owned(self) -> Iterator[Offer]:
        """After `company.`."""
        if self._takes_varying and self.slot.subject.scope is not Scope.CONTACTS:
            yield from self._named(company_fields(self.schema), Kind.FIELD, "")

    def _named(self, fields: Mapping[str, Field], kind: Kind, owner: str) -> Iterator[Offer]:
        wanted = self._wanted
        own = self.slot.subject.source.field if self.slot.want is Want.VALUE and self.slot.subject.source else None
        terminals = ("NAME", "DOT", "NAME") if owner else ("NAME",)
        for name, field in fields.items():
            if (wanted is None or field.type in wanted) and (written := _written(name)):
                item = Item(owner + written, kind, field.label, field.type.value)
                rank = Rank.LAST if field is own else Rank.NAMES
                yield Offer(item, terminals, _known_as(owner + name, name, field.label), rank)

    def _events(self) -> Iterator[Offer]:
        for event in self.schema.events:
            measured = self._measurable(event)
            if (self.slot.property is None or self.slot.property in measured) and (written := _written(event)):
                yield self._event(event, written)

    def _event(self, event: str, written: str) -> Offer:
        item = Item(written, Kind.EVENT, None, "event", self.values.did(event), Counted.CONTACTS)
        return Offer(item, ("NAME",), (event,), Rank.NAMES)

    def _measurable(self, event: str) -> Mapping[str, Field]:
        """The properties of an event type that the function at the cursor can be taken of."""
        properties = properties_of(self.schema, event)
        if self.slot.function is None:
            return properties
        types = PROPERTY_TYPES[AggregateFunction(self.slot.function)]
        if self.slot.function in _KEEPING and self._wanted is not None:
            types &= self._wanted
        return {name: field for name, field in properties.items() if field.type in types}

    def _measures(self) -> Iterator[Offer]:
        """In `sum(`: properties, each with its events unless these stand already after the cursor."""
        if self._measures_alone:
            yield from self._events()
        given = self._given_event()
        for event in self.schema.events if given is None else (given,):
            of = "" if given else f" of {name_written(event)}"
            for name, field in self._measurable(event).items():
                if (written := _written(name)) and _written(event):
                    item = Item(written + of, Kind.PROPERTY, field.label, field.type.value)
                    rank = Rank.OTHER if name in EVENT_SYSTEM_FIELDS else Rank.NAMES
                    yield Offer(item, ("NAME", "OF", "NAME"), _known_as(name, event, field.label), rank)

    def _of_events(self, name: str) -> Iterator[Offer]:
        """In `sum(amount`: the events that have such a property."""
        for event, properties in self.schema.events.items():
            if name in properties and (written := _written(event)):
                item = Item(f"of {written}", Kind.EVENT, None, "event", self.values.did(event), Counted.CONTACTS)
                yield Offer(item, ("OF", "NAME"), (f"of {event}", event), Rank.NAMES)

    def _given_event(self) -> str | None:
        words = self.after.split(maxsplit=2)
        if len(words) < 2 or words[0].lower() != "of":
            return None
        return next((event for event in self.schema.events if words[1].startswith(name_written(event))), None)

    def _same(self) -> Iterator[Offer]:
        """In a later step of a sequence: the properties of earlier ones."""
        slot = self.slot
        bare = slot.want is Want.EARLIER
        if slot.steps is None or slot.ground.scope is not Scope.EVENTS or not (bare or slot.verb in _EQUALITIES):
            return
        terminals = ("NAME",) if bare else ("SAME", "NAME")
        shared = {name: field for event in slot.steps for name, field in properties_of(self.schema, event).items()}
        for name, field in shared.items():
            if slot.subject.type in (None, field.type) and (written := _written(name)):
                item = Item(written if bare else f"same {written}", Kind.PROPERTY, field.label, "of an earlier step")
                yield Offer(item, terminals, (f"same {name}", name), Rank.NAMES)

    def _segments(self) -> Iterator[Offer]:
        """By name, or by key where several have the name."""
        names = [fold(name) for name in self.segments.values()]
        for key, name in self.segments.items():
            said = name if names.count(fold(name)) == 1 else key
            item = Item(quoted(said), Kind.SEGMENT, name, key)
            yield Offer(item, ("STRING",), (name, key), Rank.NAMES)

    def _parameters(self, names: Sequence[str]) -> Iterator[Offer]:
        if self.slot.want in _PARAMETRIC and not self.slot.subject.is_constant:
            for name in names:
                yield Offer(Item(f"${name}", Kind.PARAMETER), ("PARAMETER",), (name, f"${name}"), Rank.FIRST)

    # --- values ---

    def _values(self) -> Iterator[Offer]:
        slot, source = self.slot, self.slot.subject.source
        if source is None or slot.verb not in _VALUED:
            return
        if source.field.type is Type.BOOLEAN:
            yield from self._truths(source)
        elif source.field.type in TEXTUAL | {Type.TAGS} and self.reached.allows(("STRING",)):
            yield from self._texts(source)

    def _truths(self, source: Source) -> Iterator[Offer]:
        for held in self.values.held(source, "", 2):
            word = "true" if held.value else "false"
            item = Item(word, Kind.VALUE, count=held.count, counted=held.counted)
            yield Offer(item, (word.upper(),), (word,), Rank.FIRST)

    def _texts(self, source: Source) -> Iterator[Offer]:
        listed = {fold(text) for text in self.slot.listed}
        found = self.values.held(source, self.typed, self.limit + len(listed))
        counts = {fold(str(held.value)): held for held in found}
        options = {fold(option): option for option in source.field.options}
        for held in found:
            folded = fold(str(held.value))
            if folded not in listed:
                yield _text(options.get(folded, str(held.value)), held)
        for folded, option in options.items():
            if folded not in listed and folded not in counts:
                yield _text(option, None)


def _is_varying(slot: Slot) -> bool:
    """Whether a value that differs from row to row can stand in a slot, and not only a constant."""
    match slot.want:
        case Want.OPERAND if slot.around is not None:
            return _is_varying(slot.around)
        case Want.VALUE:
            return slot.verb in _VARIED and not slot.in_list
        case Want.TIME | Want.SPAN:
            return False
        case _:
            return True


def _text(value: str, held: Held | None) -> Offer:
    """A text with how many have it; an option that nobody was found to have comes without."""
    count, counted = (None, None) if held is None else (held.count, held.counted)
    item = Item(quoted(value), Kind.VALUE, count=count, counted=counted)
    return Offer(item, ("STRING",), (value,), Rank.VALUES)


def _said(phrase: Phrase) -> Offer:
    return Offer(Item(phrase.text, phrase.kind, None, phrase.detail), phrase.terminals, (phrase.text,), phrase.rank)


def _written(name: str) -> str | None:
    """A name as it is written; None for one that cannot be."""
    return None if "`" in name or "\n" in name else name_written(name)


def _known_as(*names: str | None) -> tuple[str, ...]:
    return tuple(name for name in names if name)
