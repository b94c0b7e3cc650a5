"""Calendar time for the oracle, by Python's own dates: the bounds of windows once a clock is given.

It reads what a window says (its fields), and works out the bounds anew rather than asking the window.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta

from dsl import moments
from dsl.moments import Clock, Duration, Unit, Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_ONE = date(1970, 1, 1)
EXACT = {Unit.SECOND: 1_000, Unit.MINUTE: 60_000, Unit.HOUR: 3_600_000}


def local(milliseconds: int, clock: Clock) -> datetime:
    """The clock on the wall in the workspace's zone."""
    return (EPOCH + timedelta(milliseconds=milliseconds)).astimezone(clock.zone)


def to_milliseconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)


def iso(milliseconds: int) -> str:
    return (EPOCH + timedelta(milliseconds=milliseconds)).replace(tzinfo=None).isoformat(timespec="milliseconds") + "Z"


def today(clock: Clock) -> date:
    return local(clock.now, clock).date()


def midnight(day: date, clock: Clock) -> int:
    return to_milliseconds(datetime.combine(day, time(), clock.zone))


def leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year: int, month: int) -> int:
    return [31, 29 if leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]


def moved(day: date, amount: int, unit: Unit) -> date:
    """The day `amount` units later, clamped to the end of a shorter month."""
    match unit:
        case Unit.DAY:
            return day + timedelta(days=amount)
        case Unit.WEEK:
            return day + timedelta(weeks=amount)
        case Unit.MONTH:
            year, month = divmod(day.year * 12 + day.month - 1 + amount, 12)
            return date(year, month + 1, min(day.day, month_length(year, month + 1)))
        case Unit.YEAR:
            return moved(day, 12 * amount, Unit.MONTH)
        case _:
            raise TypeError(f"no step of the calendar: {unit}")


def moved_instant(instant: int, amount: int, unit: Unit, clock: Clock) -> int:
    """Exact for hours and less; otherwise the same time of day on another day (the first, if it comes twice)."""
    if unit in EXACT or amount == 0:
        return instant + amount * EXACT.get(unit, 0)
    wall = local(instant, clock)
    return to_milliseconds(datetime.combine(moved(wall.date(), amount, unit), wall.time().replace(fold=0), clock.zone))


def shifted(instant: int, shifts: tuple[Duration, ...], clock: Clock) -> int:
    for shift in shifts:
        instant = moved_instant(instant, shift.count, shift.unit, clock)
    return instant


def before_now(amount: int, unit: Unit, clock: Clock) -> int:
    return moved_instant(clock.now, -amount, unit, clock)


def spans_ending_now(spans: int, unit: Unit, clock: Clock) -> list[tuple[int, int]]:
    edges = [before_now(i, unit, clock) for i in range(spans + 1)]
    return list(zip(edges[1:], edges[:-1], strict=True))


# --- windows -------------------------------------------------------------------------------------------------

Bounds = tuple[int | None, int | None]


def instants(window: Window, clock: Clock) -> Bounds:
    """[start, end) in milliseconds."""
    match window:
        case moments.Instant(at=at):
            return at, at + 1
        case moments.Now(shifts=shifts):
            at = shifted(clock.now, shifts, clock)
            return at, at + 1
        case moments.Rolling(count=count, unit=unit):
            other = moved_instant(clock.now, count, unit, clock)
            return (other, clock.now) if count < 0 else (clock.now, other)
        case moments.Today() | moments.Days() | moments.CalendarPeriod():
            first, end = dates(window, clock)
            return midnight(first, clock), midnight(end, clock)
        case _:
            return bounded(window, lambda inner: instants(inner, clock)) or window.instants(clock)


def days(window: Window, clock: Clock) -> Bounds:
    """[start, end) in days since 1970, for date fields."""
    match window:
        case moments.Instant(at=at):
            day = local(at, clock).date()
            return number(day), number(day) + 1
        case moments.Now(shifts=shifts):
            day = local(shifted(clock.now, shifts, clock), clock).date()
            return number(day), number(day) + 1
        case moments.Rolling() | moments.Today() | moments.Days() | moments.CalendarPeriod():
            first, end = dates(window, clock)
            return number(first), number(end)
        case _:
            return bounded(window, lambda inner: days(inner, clock)) or window.days(clock)


def number(day: date) -> int:
    return (day - DAY_ONE).days


def dates(window: Window, clock: Clock) -> tuple[date, date]:
    """First day, and the day after the last."""
    one = timedelta(days=1)
    match window:
        case moments.Days(start=start, end=end):
            return DAY_ONE + timedelta(days=start), DAY_ONE + timedelta(days=end)
        case moments.Today(shifts=shifts):
            day = today(clock)
            for shift in shifts:
                day = moved(day, shift.count, shift.unit)
            return day, day + one
        case moments.CalendarPeriod(unit=unit, offset=offset):
            first = first_of(today(clock), unit)
            return moved(first, offset, unit), moved(first, offset + 1, unit)
        case moments.Rolling(count=0):
            return today(clock), today(clock)
        case moments.Rolling(count=count, unit=unit) if unit in EXACT:
            edges = sorted([today(clock), local(moved_instant(clock.now, count, unit, clock), clock).date()])
            return edges[0], edges[1] + one
        case moments.Rolling(count=count, unit=unit) if count < 0:
            return moved(today(clock), count, unit) + one, today(clock) + one
        case moments.Rolling(count=count, unit=unit):
            return today(clock), moved(today(clock), count, unit)
        case _:
            raise TypeError(f"no such stretch of days: {type(window).__name__}")


def first_of(day: date, unit: Unit) -> date:
    match unit:
        case Unit.WEEK:
            return day - timedelta(days=day.isoweekday() - 1)
        case Unit.MONTH:
            return day.replace(day=1)
        case Unit.YEAR:
            return date(day.year, 1, 1)
        case _:
            raise TypeError(f"no calendar period: {unit}")


def bounded(window: Window, ends: Callable[[Window], Bounds]) -> Bounds | None:
    """Windows made of others, whose bounds `ends` gives. None for a kind that the language does not have."""
    match window:
        case moments.Since(window=inner):
            return ends(inner)[0], None
        case moments.After(window=inner):
            return ends(inner)[1], None
        case moments.Before(window=inner):
            return None, ends(inner)[0]
        case moments.UpTo(window=inner):
            return None, ends(inner)[1]
        case moments.Between(first=first, last=last):
            return ends(first)[0], ends(last)[1]
        case _:
            return None
