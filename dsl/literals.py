"""Literals: the value behind what is written, and its written form. Knows syntax, not schemas."""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator
from datetime import MAXYEAR, MINYEAR, date, datetime
from zoneinfo import ZoneInfo

from dsl.moments import EPOCH, EPOCH_ORDINAL, MILLISECOND, local_ms

ESCAPES = {"n": "\n", "t": "\t", '"': '"', "'": "'", "\\": "\\"}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})T(\d{2}:\d{2}(?::\d{2}(?:[.,]\d{1,9})?)?)(Z|[+-]\d{2}(?::?\d{2})?)?", re.IGNORECASE
)

# --- text ----------------------------------------------------------------------------------------------------


def unescape(literal: str) -> str:
    r"""The text inside a quoted literal. Escapes that mean nothing stay as they are; see `bad_escapes`.

    >>> unescape(r'"caf\u00e9 \"noir\""')
    'café "noir"'
    """
    inner = literal[1:-1]
    return _ESCAPE.sub(_unescaped, inner) if "\\" in inner else inner


def _unescaped(match: re.Match[str]) -> str:
    code, letter = match.groups()
    if code is not None:
        return chr(int(code, 16))
    return ESCAPES.get(letter, match[0])


def bad_escapes(literal: str) -> Iterator[tuple[int, str]]:
    """Offset and text of every backslash in a quoted literal that is no escape, or is half a surrogate pair."""
    for match in _ESCAPE.finditer(literal, 1, len(literal) - 1):
        code, letter = match.groups()
        known = letter in ESCAPES if code is None else not 0xD800 <= int(code, 16) <= 0xDFFF
        if not known:
            yield match.start(), match[0]


def quoted(text: str) -> str:
    """The canonical literal of a text: double quotes, and no control character as such."""
    written = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return '"' + "".join(c if c.isprintable() or ord(c) > 0xFFFF else f"\\u{ord(c):04x}" for c in written) + '"'


def regex_pattern(literal: str) -> tuple[str, bool]:
    """The pattern of `/…/` or `/…/i`, and whether case is ignored. `\\/` stands for a slash."""
    ignore_case = literal.endswith("i")
    inner = literal[1:-2] if ignore_case else literal[1:-1]
    return inner.replace("\\/", "/"), ignore_case


# --- days and instants ---------------------------------------------------------------------------------------


def day_number(text: str) -> int:
    """Days since 1970 of `2026-06-30`; ValueError, saying what is wrong, when there is no such day."""
    if not _DAY.fullmatch(text):
        raise ValueError("a date is written 2026-06-30: four digits, two and two")
    try:
        return date.fromisoformat(text).toordinal() - EPOCH_ORDINAL
    except ValueError:
        why = no_such_day(*map(int, text.split("-")))
        raise ValueError(f"there is no day {text}: {why}") from None


def no_such_day(year: int, month: int, day: int) -> str | None:
    """Why the calendar has no such day; None when it has.

    >>> no_such_day(2026, 2, 30), no_such_day(2026, 13, 1), no_such_day(2024, 2, 29)
    ('February 2026 has 28 days', 'there is no month 13', None)
    """
    if not MINYEAR <= year <= MAXYEAR:
        return f"years run from {MINYEAR} to {MAXYEAR}"
    if not 1 <= month <= 12:
        return f"there is no month {month}"
    last = calendar.monthrange(year, month)[1]
    return None if 1 <= day <= last else f"{calendar.month_name[month]} {year} has {last} days"


def month_days(text: str) -> tuple[int, int]:
    """[first, last + 1) days of `2026-06`; ValueError when there is no such month."""
    year, month = int(text[:4]), int(text[5:7])
    if not (1 <= month <= 12 and year >= 1):
        raise ValueError(f"there is no month {text}")
    first = date(year, month, 1).toordinal() - EPOCH_ORDINAL
    if (year, month) == (9999, 12):
        return first, first + 31
    return first, date(year + month // 12, month % 12 + 1, 1).toordinal() - EPOCH_ORDINAL


def year_days(year: int) -> tuple[int, int]:
    """[first, last + 1) days of a year, 1..9999."""
    last = date(year, 12, 31).toordinal() - EPOCH_ORDINAL
    return date(year, 1, 1).toordinal() - EPOCH_ORDINAL, last + 1


def instant_ms(text: str, zone: ZoneInfo) -> int:
    """Milliseconds since 1970 UTC of `2026-06-30T14:00`, in `zone` when it has no offset; ValueError otherwise.

    Digits beyond the millisecond are dropped. A local time that a clock change skips moves forward by the gap; one
    that comes twice is the first.
    """
    match = _INSTANT.fullmatch(text)
    if not match:
        raise ValueError("a datetime is written 2026-06-30T14:00, and may go on with :05.123 and Z or +02:00")
    day_number(match[1])
    try:
        moment = datetime.fromisoformat(f"{match[1]}T{match[2].replace(',', '.')}")
        offset = _offset(match[3]) if match[3] else None
    except ValueError:
        raise ValueError(f"there is no time {text[11:]}") from None
    return local_ms(moment, zone) if offset is None else (moment - EPOCH) // MILLISECOND - offset


def _offset(text: str) -> int:
    """Milliseconds east of UTC of `Z`, `+02`, `+0200` or `+02:00`."""
    if text in "Zz":
        return 0
    hours, minutes = int(text[1:3]), int(text[-2:]) if len(text) > 3 else 0
    if hours > 23 or minutes > 59:
        raise ValueError(text)
    return (hours * 60 + minutes) * 60_000 * (-1 if text[0] == "-" else 1)
