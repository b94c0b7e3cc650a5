"""What is said about reasons, whatever the language: phrases to fill, and values as people write them.

`english.py` and `french.py` hold the phrases as tables; numbers, days and quotes are those of `dsl.describe`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import Enum, auto
from fractions import Fraction
from zoneinfo import ZoneInfo

from dsl.describe import Language
from dsl.describe.language import Said
from dsl.measure import Measure
from dsl.moments import local_time
from dsl.schema import Type
from engine.values import EPOCH_ORDINAL
from engine.why.contact import Found

SHOWN_DECIMALS = 6
"""How exactly a quotient is shown; decimal fractions are shown as they are."""


class Phrase(Enum):
    """Sentences and parts of them."""

    # the whole
    MATCHES = auto()
    IN_ALL = auto()
    NOTHING = auto()
    DOES_NOT_MATCH = auto()
    SEEN_BEFORE = auto()
    # what was found
    IS = auto()
    MISSING = auto()
    NO_COMPANY = auto()
    COUNTED = auto()
    MISSED = auto()
    HIT = auto()
    DRAWN = auto()
    HELD = auto()
    BY_HAND_IN = auto()
    BY_HAND_OUT = auto()
    NOT_BY_HAND = auto()
    ALWAYS = auto()
    RANKED = auto()
    RANKED_BY = auto()
    FOLLOWED = auto()
    STOPPED = auto()
    # why an event does not count
    TOO_EARLY = auto()
    TOO_LATE = auto()
    FAILS = auto()
    # what would have to change
    MUST = auto()
    OR_MISSING = auto()
    IT_IS = auto()
    IT_IS_MISSING = auto()
    COMPARED = auto()
    MORE_EVENTS = auto()
    FEWER_EVENTS = auto()
    MORE_SPANS = auto()
    FEWER_SPANS = auto()
    STEP_NEEDED = auto()
    STEP_BY = auto()
    STEP_UNWANTED = auto()
    SEQUENCE_UNWANTED = auto()
    DRAW_STAYS = auto()
    HAND_ADD = auto()
    HAND_REMOVE = auto()
    NEVER = auto()
    HIGHER_RANK = auto()
    # what time does
    BECOMES_TRUE = auto()
    BECOMES_FALSE = auto()
    BECAUSE_LEAVES = auto()
    BECAUSE_ENTERS = auto()
    STAYS = auto()


class Need(Enum):
    """What is asked of a value."""

    EQUAL = auto()
    ONE_OF = auto()
    EXACTLY = auto()
    AT_LEAST = auto()
    AT_MOST = auto()
    ABOVE = auto()
    BELOW = auto()
    BETWEEN = auto()
    FROM = auto()
    UNTIL = auto()
    DURING = auto()
    ANNIVERSARY = auto()
    ANNIVERSARY_FROM = auto()
    STARTS = auto()
    ENDS = auto()
    CONTAINS = auto()
    LIKE = auto()
    MATCHES = auto()
    HAS_ANY = auto()
    HAS_ALL = auto()
    SET = auto()


@dataclass(frozen=True, slots=True)
class Words:
    """One language. `needs` holds infinitives, each with its contrary; `comparators` how two values compare."""

    language: Language
    phrases: Mapping[Phrase, str]
    needs: Mapping[Need, tuple[str, str]]
    comparators: Mapping[str, tuple[str, str]]

    def say(self, phrase: Phrase, marked: bool = False, /, **slots: str) -> str:
        return self.language.fill(self.phrases[phrase], marked, **slots)

    def counted(self, phrase: Phrase, count: int, **slots: str) -> str:
        """A phrase about so many things."""
        number = Decimal(count)
        return self.say(phrase, not self.language.is_one(number), count=self.language.number(number), **slots)

    def need(self, need: Need, wanted: bool, **slots: str) -> str:
        return self.language.fill(self.needs[need][not wanted], **slots)

    # --- values ---

    def value(self, value: Found, found: Measure, zone: ZoneInfo) -> str:
        """A value that is not missing, as people write it."""
        match value:
            case bool():
                return self.language.say(Said.YES if value else Said.NO)
            case str():
                return self.language.quoted(value)
            case tuple() | list():
                return self.texts(value)
            case Fraction():
                return self.number(value)
            case _ if found.type is Type.DATE:
                return self.day(int(value))
            case _ if found.type is Type.DATETIME:
                return self.instant(int(value), zone)
            case _ if found.type is Type.NUMBER and found.decimals:
                return self.number(Fraction(int(value), 10**found.decimals))
            case float():
                return self.language.number(Decimal(repr(value)))
            case _:
                return self.language.number(Decimal(value))

    def texts(self, texts: Sequence[str]) -> str:
        return self.language.all_of([self.language.quoted(text) for text in texts]) if texts else "∅"

    def number(self, number: Fraction) -> str:
        """An exact number; one that no decimal is equal to is rounded."""
        places = next((n for n in range(SHOWN_DECIMALS + 1) if 10**n % number.denominator == 0), None)
        scaled = round(number * 10 ** (SHOWN_DECIMALS if places is None else places))
        shown = Decimal(f"{scaled}e-{SHOWN_DECIMALS if places is None else places}")
        return ("≈ " if places is None else "") + self.language.number(shown)

    def day(self, day: int) -> str:
        when = date.fromordinal(day + EPOCH_ORDINAL)
        return self.language.day(when.day, self.language.months[when.month - 1], when.year)

    def instant(self, instant: int, zone: ZoneInfo) -> str:
        """A moment of the workspace's zone, as exact as it needs to be."""
        local = local_time(instant, zone)
        exactness = "milliseconds" if local.microsecond else "seconds" if local.second else "minutes"
        day = self.language.day(local.day, self.language.months[local.month - 1], local.year)
        return self.language.say(Said.INSTANT, day=day, time=local.time().isoformat(exactness))
