"""What a language is made of: templates and tables of words, and the few rules that join them.

A template has slots, `{value}`; a slot may name a joint, `{value:de}`, by which the language fits a word to what
follows it (`de` + `le champ` = `du champ`, `a` + `open` = `an open`). `[is|are]` chooses its second form when what it
agrees with is *marked*: plural in English, feminine in French.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, StrEnum, auto
from string import Formatter
from typing import Any

from dsl.moments import Unit
from dsl.tree import Bound, Comparator, Moment, Quantifier, TextTest, When, Which
from dsl.typed import AggregateFunction, CutKind, Operator, Part


class Code(StrEnum):
    """The languages there are, by their ISO 639 codes."""

    ENGLISH = "en"
    FRENCH = "fr"


class Said(Enum):
    """What a template says, where no enum of the tree names it."""

    # the whole
    CONTACTS = auto()
    EVERYONE = auto()
    NOBODY = auto()
    AMONG_THEM = auto()
    # clauses
    POSSESSED = auto()
    CONCERNED = auto()
    WHOEVER = auto()
    NO_ONE = auto()
    OUTSIDE = auto()
    BUT_NOT = auto()
    NOR_THOSE = auto()
    GROUPS = auto()
    THOSE = auto()
    NEXT_GROUP = auto()
    # clauses about contacts, with their negations
    MEMBER = auto()
    RULES = auto()
    SAMPLED = auto()
    DID = auto()
    SEQUENCE = auto()
    # predicates, with their negations
    TRUE = auto()
    FALSE = auto()
    KNOWN = auto()
    BETWEEN = auto()
    HIGHEST = auto()
    LOWEST = auto()
    FALLS = auto()
    EXACTLY = auto()
    ONE_OF = auto()
    IN_LIST = auto()
    MATCHES = auto()
    MATCHES_ANY_CASE = auto()
    INCLUDES = auto()
    # events
    SOME = auto()
    ZERO = auto()
    ONE_EVENT = auto()
    MANY_EVENTS = auto()
    ONE_ANY_EVENT = auto()
    MANY_ANY_EVENTS = auto()
    REGULARLY = auto()
    THEN = auto()
    NOT_FOLLOWED = auto()
    WITHIN = auto()
    # terms
    FIELD = auto()
    THE_FIELD = auto()
    FIELD_OF = auto()
    THE_FIELD_OF = auto()
    THE = auto()
    SAME = auto()
    BUCKET = auto()
    MINUS = auto()
    CONDITION = auto()
    ANNIVERSARY = auto()
    VALUE = auto()
    YES = auto()
    NO = auto()
    # times
    INSTANT = auto()
    AGO = auto()
    AHEAD = auto()
    THE_MOMENT_AGO = auto()
    THE_MOMENT_AHEAD = auto()
    EARLIER_THAN_AGO = auto()
    SINCE_AGO = auto()
    LATER_THAN_AGO = auto()
    EARLIER = auto()
    LATER = auto()


Pair = tuple[str, str]
"""A template and that of its negation."""

Singled = Said | Bound | Quantifier | AggregateFunction | Part | CutKind
Negatable = Said | Comparator | TextTest | Quantifier
"""Keys of one table: enums whose values are text share none, or they would be one key."""


@dataclass(frozen=True, slots=True)
class Noun:
    """A noun, with its article where the language wants one, and whether it is marked."""

    text: str
    marked: bool = False


@dataclass(frozen=True, slots=True)
class Units:
    """The names of a unit of time."""

    one: str
    many: str
    feminine: bool = False


@dataclass(frozen=True, slots=True)
class Language:
    """One language."""

    code: Code
    quotes: tuple[str, str]
    templates: Mapping[Singled, str]
    pairs: Mapping[Negatable, Pair]
    chronology: Mapping[Comparator, Pair]
    """How moments compare, where numbers have `pairs`."""
    operators: Mapping[Operator, str]
    timings: Mapping[When, str]
    """Bounds in time."""
    limits: Mapping[When, str]
    """Bounds in time of what a field holds, where they differ from those of events (`timings`)."""
    properties: Mapping[AggregateFunction, str]
    """Aggregates that read another way when they have a property."""
    owned: frozenset[AggregateFunction]
    """Aggregates with a property that can follow a possessive."""
    marked: frozenset[AggregateFunction | Part]
    """Terms that are marked whatever they are made of."""
    conjunction: str
    disjunction: str
    neither: tuple[str, str]
    contact_nouns: Mapping[str, Noun]
    event_nouns: Mapping[str, Noun]
    units: Mapping[Unit, Units]
    months: Sequence[str]
    weekdays: Sequence[str]
    moments: Mapping[Moment, str]
    joints: Mapping[str, Callable[[str], str]]
    number: Callable[[Decimal], str]
    is_one: Callable[[Decimal], bool]
    is_marked: Callable[[str], bool]
    day: Callable[[int, str, int], str]
    """The noun for a day: day of the month, name of the month, year."""
    on_day: str
    in_month: str
    in_rolling: str
    calendar: Callable[[Which, Unit], str]
    rolling: Callable[[Which, str, bool, Unit], str]
    """The noun for a rolling period: which, its count, whether that is one, its unit."""
    possessive: Pair
    """Before a noun that stands alone: of contacts, of an event."""

    def fill(self, template: str, marked: bool = False, /, **slots: str) -> str:
        """The template with its choices made and its slots filled; what fills a slot is never read again."""
        chosen = _CHOICE.sub(lambda found: found[2 if marked else 1], template)
        return _Filler(self.joints).vformat(chosen, (), slots)

    def say(self, key: Singled, marked: bool = False, /, **slots: str) -> str:
        return self.fill(self.templates[key], marked, **slots)

    def quoted(self, text: str) -> str:
        opening, closing = self.quotes
        return f"{opening}{' '.join(text.split())}{closing}"

    def named(self, name: str) -> str:
        """A name as words: `last_order` is last order; what is no plain word stands in quotes."""
        return name.replace("_", " ").strip() if _PLAIN.fullmatch(name) else self.quoted(name)

    def all_of(self, parts: Sequence[str]) -> str:
        return listed(parts, ", ", self.conjunction)

    def any_of(self, parts: Sequence[str]) -> str:
        return listed(parts, ", ", self.disjunction)

    def none_of(self, parts: Sequence[str]) -> str:
        return listed(parts, *self.neither)


_CHOICE = re.compile(r"\[([^|\]]*)\|([^|\]]*)\]")
_PLAIN = re.compile(r"[^\W\d_][^\W_]*(_[^\W_]+)*")


def listed(parts: Sequence[str], between: str, last: str) -> str:
    """Parts in a row.

    >>> listed(["a", "b", "c"], ", ", " and ")
    'a, b and c'
    """
    *others, final = parts
    return f"{between.join(others)}{last}{final}" if others else final


class _Filler(Formatter):
    def __init__(self, joints: Mapping[str, Callable[[str], str]]) -> None:
        self._joints = joints

    def format_field(self, value: Any, format_spec: str) -> str:
        return self._joints[format_spec](value) if format_spec else str(value)
