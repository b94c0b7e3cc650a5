"""Calendar time for the oracle, by Python's own dates: the bounds of windows once a clock is given."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from dsl.moments import Clock, Unit, Window

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def instants(window: Window, clock: Clock) -> tuple[int | None, int | None]:
    return window.instants(clock)


def days(window: Window, clock: Clock) -> tuple[int | None, int | None]:
    return window.days(clock)


def local(milliseconds: int, clock: Clock) -> datetime:
    """The clock on the wall in the workspace's zone."""
    return (EPOCH + timedelta(milliseconds=milliseconds)).astimezone(clock.zone)


def to_milliseconds(moment: datetime) -> int:
    return (moment.astimezone(UTC) - EPOCH) // timedelta(milliseconds=1)


def leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def month_length(year: int, month: int) -> int:
    return [31, 29 if leap(year) else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]


def months_before(moment: datetime, months: int) -> datetime:
    """The same time of day `months` calendar months earlier, clamped to the month's end."""
    year, month = divmod(moment.year * 12 + moment.month - 1 - months, 12)
    return moment.replace(year=year, month=month + 1, day=min(moment.day, month_length(year, month + 1)), fold=0)


def before_now(amount: int, unit: Unit, clock: Clock) -> int:
    """The instant `amount` units before now: exact for hours and less, by the calendar for days and more."""
    match unit:
        case Unit.SECOND | Unit.MINUTE | Unit.HOUR:
            return clock.now - amount * {Unit.SECOND: 1_000, Unit.MINUTE: 60_000, Unit.HOUR: 3_600_000}[unit]
        case Unit.DAY | Unit.WEEK:
            earlier = local(clock.now, clock) - timedelta(days=amount * (7 if unit is Unit.WEEK else 1))
        case Unit.MONTH | Unit.YEAR:
            earlier = months_before(local(clock.now, clock), amount * (12 if unit is Unit.YEAR else 1))
    return to_milliseconds(earlier)


def spans_ending_now(spans: int, unit: Unit, clock: Clock) -> list[tuple[int, int]]:
    edges = [before_now(i, unit, clock) for i in range(spans + 1)]
    return list(zip(edges[1:], edges[:-1], strict=True))
