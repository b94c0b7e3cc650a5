"""What completion gives, and what it asks of whoever has the data."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Protocol

from dsl.complete.subject import Source


class Kind(StrEnum):
    KEYWORD = "keyword"
    OPERATOR = "operator"
    FUNCTION = "function"
    FIELD = "field"
    EVENT = "event"
    PROPERTY = "property"
    SEGMENT = "segment"
    VALUE = "value"
    PARAMETER = "parameter"
    SIGN = "sign"


class Counted(StrEnum):
    """What the count of an item is a count of."""

    CONTACTS = "contacts"
    EVENTS = "events"


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that may come: `text` is inserted as it is. `label` is what people call it, `detail` says its type or
    meaning; `count` how many contacts (or events, as `counted` says) have it, where that is known."""

    text: str
    kind: Kind
    label: str | None = None
    detail: str | None = None
    count: int | None = None
    counted: Counted | None = None


@dataclass(frozen=True, slots=True)
class Completion:
    """Each of `items`, best first, may replace the characters `start`..`end` of the expression."""

    start: int
    end: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A value that a column holds, and how many have it."""

    value: str | bool
    count: int
    counted: Counted = Counted.CONTACTS


class Values(Protocol):
    """The data, as completion asks for it."""

    def held(self, source: Source, typed: str, limit: int) -> Sequence[Held]:
        """At most `limit` values of a text, choice, tags or boolean column that start with `typed` (folded) or have
        it inside, else are nearly so: those that the most rows have first, in each of the three."""

    def did(self, event: str) -> int:
        """How many contacts have an event of this type."""


class Rank(IntEnum):
    """What comes first among offers that fit what is typed equally well."""

    FIRST = 0
    VALUES = 1
    NAMES = 2
    SECOND = 3
    OTHER = 4
    LAST = 5


@dataclass(frozen=True, slots=True)
class Offer:
    """An item that may be given. `terminals` is how the grammar reads its text, `names` what it is known by."""

    item: Item
    terminals: tuple[str, ...]
    names: tuple[str, ...]
    rank: Rank = Rank.SECOND
