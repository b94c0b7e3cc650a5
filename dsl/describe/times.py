"""Times in words: each as a noun (`before {the last 30 days}`) and as an adverb (`falls {in the last 30 days}`)."""

from __future__ import annotations

import re
from decimal import Decimal

from dsl import tree
from dsl.describe.language import Language, Said
from dsl.tree import When

Time = (
    tree.Day
    | tree.Month
    | tree.Instant
    | tree.Duration
    | tree.Ago
    | tree.NamedMoment
    | tree.CalendarPeriod
    | tree.RollingPeriod
)


def noun(time: Time, language: Language) -> str:
    match time:
        case tree.Day(text=text):
            return _day(text, language)
        case tree.Month(text=text):
            return _month(text, language)
        case tree.Instant(text=text):
            return _instant(text, language)
        case tree.Duration():
            return duration(time, language)
        case tree.Ago(duration=length, ahead=ahead):
            said = Said.THE_MOMENT_AHEAD if ahead else Said.THE_MOMENT_AGO
            return language.say(said, duration=duration(length, language))
        case tree.NamedMoment(moment=moment):
            return language.moments[moment]
        case tree.CalendarPeriod(which=which, unit=unit):
            return language.calendar(which, unit)
        case tree.RollingPeriod(which=which, duration=length):
            return language.rolling(which, count(length.count, language), _is(length.count, 1), length.unit)
        case _:
            raise TypeError(f"no noun for {type(time).__name__}")


def adverb(time: Time, language: Language) -> str:
    """When something falls that falls in `time`."""
    said = noun(time, language)
    match time:
        case tree.Day() | tree.Instant():
            return language.fill(language.on_day, time=said)
        case tree.Month():
            return language.fill(language.in_month, time=said)
        case tree.RollingPeriod():
            return language.fill(language.in_rolling, time=said)
        case tree.Ago(duration=length, ahead=ahead):
            return language.say(Said.AHEAD if ahead else Said.AGO, duration=duration(length, language))
        case tree.NamedMoment() | tree.CalendarPeriod():
            return said
        case _:
            return language.fill(language.timings[When.IN], time=said)


def bounded_by_age(when: When, time: tree.Ago, language: Language) -> str | None:
    """`before 60 days ago` as people say it: more than 60 days ago. None for what has no such form."""
    forms = {When.BEFORE: Said.EARLIER_THAN_AGO, When.SINCE: Said.SINCE_AGO, When.AFTER: Said.LATER_THAN_AGO}
    if time.ahead or when not in forms:
        return None
    return language.say(forms[when], duration=duration(time.duration, language))


def year(number: tree.Number, language: Language) -> str:
    """When something falls that falls in that year."""
    return language.fill(language.in_month, time=f"{number.value:f}")


def duration(length: tree.Duration, language: Language) -> str:
    words = language.units[length.unit]
    one = isinstance(length.count, tree.Number) and language.is_one(length.count.value)
    return f"{count(length.count, language)} {words.one if one else words.many}"


def count(node: tree.Number | tree.Parameter, language: Language) -> str:
    return parameter(node) if isinstance(node, tree.Parameter) else language.number(node.value)


def parameter(node: tree.Parameter) -> str:
    """A parameter stands as ‹name› where its value will."""
    return f"‹{node.name}›"


def _is(node: tree.Number | tree.Parameter, number: int) -> bool:
    return isinstance(node, tree.Number) and node.value == Decimal(number)


def _day(text: str, language: Language) -> str:
    """A day that no calendar has stands as it was written."""
    year, month, day = (int(part) for part in text.split("-"))
    return language.day(day, language.months[month - 1], year) if 1 <= month <= 12 else text


def _month(text: str, language: Language) -> str:
    year, month = (int(part) for part in text.split("-"))
    return f"{language.months[month - 1]} {year}" if 1 <= month <= 12 else text


_INSTANT = re.compile(r"(?P<day>[^T]*)T(?P<time>[\d:.,]*)(?P<offset>.*)")


def _instant(text: str, language: Language) -> str:
    found = _INSTANT.fullmatch(text)
    if found is None:
        return text
    offset = found["offset"]
    zone = " UTC" if offset == "Z" else f" (UTC{offset})" if offset else ""
    return language.say(Said.INSTANT, day=_day(found["day"], language), time=found["time"] + zone)
