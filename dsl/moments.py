"""Moments, durations and periods: calendar time that stays relative until a clock is given.

Months and years are calendar ones, clamped to the month's end; days begin at midnight in the workspace's zone;
weeks start on Monday. Every period is half-open.

Whatever an expression can say about time is a `Window`: an instant is the window of its one millisecond, `today` that
of a day, `last 7 days` a rolling one, `since X` everything from the start of X on.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import ClassVar, Protocol
from zoneinfo import ZoneInfo

from dsl.immutable import Immutable


class Unit(StrEnum):
    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


class Clock(Immutable, frozen=True):
    """The evaluation clock: an instant (milliseconds since 1970 UTC) and the workspace's zone."""

    now: int
    zone: ZoneInfo


Ends = tuple[int | None, int | None]


class Window(Protocol):
    """A half-open stretch of time, either end of which may be open-ended (`None`). Never ends before it starts."""

    @property
    def relative(self) -> bool:
        """Whether it moves with the clock (its zone apart)."""

    def instants(self, clock: Clock) -> Ends:
        """[start, end) in milliseconds since 1970 UTC."""

    def days(self, clock: Clock) -> Ends:
        """[start, end) in days since 1970, as `date` fields count them."""


# --- the calendar --------------------------------------------------------------------------------------------

EPOCH = datetime(1970, 1, 1)
EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
MILLISECOND = timedelta(milliseconds=1)

FIRST_DAY = date(1, 1, 2).toordinal() - EPOCH_ORDINAL
LAST_DAY = date(9999, 12, 30).toordinal() - EPOCH_ORDINAL
"""The days that exist: moving past them stops there. One day is left at each end for the zone's offset."""

CALENDAR = range(date.min.toordinal() - EPOCH_ORDINAL, date.max.toordinal() - EPOCH_ORDINAL + 1)
"""Every day that can be written, from 0001-01-01 to 9999-12-31."""

UNIT_MS = {
    Unit.SECOND: 1_000,
    Unit.MINUTE: 60_000,
    Unit.HOUR: 3_600_000,
    Unit.DAY: 86_400_000,
    Unit.WEEK: 7 * 86_400_000,
}
"""The length of units that always have the same; days and weeks only where a sequence counts elapsed time."""

TIMELINE = range(CALENDAR.start * UNIT_MS[Unit.DAY], CALENDAR.stop * UNIT_MS[Unit.DAY])
"""Every instant that can be written: the milliseconds of those days in UTC."""

FIRST_MS, LAST_MS = FIRST_DAY * UNIT_MS[Unit.DAY], LAST_DAY * UNIT_MS[Unit.DAY]
"""Moving past these instants stops there."""

CLOCK_UNITS = frozenset({Unit.SECOND, Unit.MINUTE, Unit.HOUR})
"""Units that are exact lengths of time; the others are steps of the calendar."""


def local_ms(moment: datetime, zone: ZoneInfo) -> int:
    """Milliseconds since 1970 UTC of a naive local time.

    With fold 0 the offset in force before a clock change applies both to times that are skipped, which moves them
    forward by the gap, and to times that come twice, which picks the first.
    """
    offset = moment.replace(tzinfo=zone, fold=0).utcoffset()
    assert offset is not None, "a ZoneInfo always has an offset"
    return (moment - EPOCH - offset) // MILLISECOND


@lru_cache(maxsize=64)
def local_time(instant: int, zone: ZoneInfo) -> datetime:
    """The naive local time of an instant, to the millisecond; at either end of the calendar as `midnight` has it."""
    near = _possible(instant)
    local = (EPOCH + near * MILLISECOND).replace(tzinfo=ZoneInfo("UTC")).astimezone(zone).replace(tzinfo=None)
    if near == instant:
        return local
    wall = (local - EPOCH) // MILLISECOND + instant - near
    return EPOCH + min(max(wall, TIMELINE.start), TIMELINE.stop - 1) * MILLISECOND


def day_of(instant: int, zone: ZoneInfo) -> int:
    """Days since 1970 of the local day an instant falls on."""
    return local_time(instant, zone).toordinal() - EPOCH_ORDINAL


def midnight(day: int, zone: ZoneInfo) -> int:
    """The instant a local day begins; at either end of the calendar, by the offset of the day next to it."""
    day, near = min(max(day, CALENDAR.start), CALENDAR.stop), _existing(day)
    return local_ms(datetime.fromordinal(near + EPOCH_ORDINAL), zone) + (day - near) * UNIT_MS[Unit.DAY]


def step_day(day: int, count: int, unit: Unit) -> int:
    """The day `count` days, weeks, months or years later; the month's last day where there is none such.

    >>> from datetime import date
    >>> january_31 = date(2026, 1, 31).toordinal() - EPOCH_ORDINAL
    >>> date.fromordinal(step_day(january_31, 1, Unit.MONTH) + EPOCH_ORDINAL).isoformat()
    '2026-02-28'
    """
    match unit:
        case Unit.DAY:
            return _existing(day + count)
        case Unit.WEEK:
            return _existing(day + 7 * count)
        case Unit.MONTH:
            return _step_months(day, count)
        case Unit.YEAR:
            return _step_months(day, 12 * count)
        case _:
            raise ValueError(f"{unit} is no step of the calendar")


def step_instant(instant: int, count: int, unit: Unit, zone: ZoneInfo) -> int:
    """The instant `count` units later: exact for hours and below, at the same local time of day for the others."""
    if count == 0:
        return instant
    if unit in CLOCK_UNITS:
        return _possible(instant + count * UNIT_MS[unit])
    if unit in UNIT_MS and zone.key == "UTC":
        # Every day has 24 hours there.
        moved = instant + count * UNIT_MS[unit]
        if FIRST_MS <= instant <= LAST_MS and FIRST_MS <= moved <= LAST_MS:
            return moved
    local = local_time(instant, zone)
    day = step_day(local.toordinal() - EPOCH_ORDINAL, count, unit)
    return local_ms(datetime.combine(date.fromordinal(day + EPOCH_ORDINAL), local.time()), zone)


def _existing(day: int) -> int:
    return min(max(day, FIRST_DAY), LAST_DAY)


def _possible(instant: int) -> int:
    return min(max(instant, FIRST_MS), LAST_MS)


def _step_months(day: int, months: int) -> int:
    start = date.fromordinal(_existing(day) + EPOCH_ORDINAL)
    year, month = divmod(start.year * 12 + start.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return FIRST_DAY if year < 1 else LAST_DAY
    return _existing(_clamped(year, month + 1, start.day).toordinal() - EPOCH_ORDINAL)


def _clamped(year: int, month: int, day: int) -> date:
    """That day of that month, or the month's last."""
    while True:  # ends by day 28 at the latest, which every month has
        try:
            return date(year, month, day)
        except ValueError:
            day -= 1


# --- moments -------------------------------------------------------------------------------------------------


class Duration(Immutable, frozen=True):
    """A length of time as said: `3 months`. `count` may be negative where a moment moves back."""

    count: int
    unit: Unit

    @property
    def exact_ms(self) -> int | None:
        """Its length in milliseconds, a day being 24 hours; None for months and years, which have no one length."""
        return None if self.unit in (Unit.MONTH, Unit.YEAR) else self.count * UNIT_MS[self.unit]


class Instant(Immutable, frozen=True):
    """One instant of absolute time."""

    at: int

    @property
    def relative(self) -> bool:
        return False

    def instants(self, clock: Clock) -> tuple[int, int]:
        return self.at, self.at + 1

    def days(self, clock: Clock) -> tuple[int, int]:
        day = day_of(self.at, clock.zone)
        return day, day + 1


class Now(Immutable, frozen=True):
    """The clock's instant moved by `shifts`, one after the other: `now`, `7 days ago`."""

    shifts: tuple[Duration, ...] = ()

    @property
    def relative(self) -> bool:
        return True

    def at(self, clock: Clock) -> int:
        instant = clock.now
        for shift in self.shifts:
            instant = step_instant(instant, shift.count, shift.unit, clock.zone)
        return instant

    def instants(self, clock: Clock) -> tuple[int, int]:
        at = self.at(clock)
        return at, at + 1

    def days(self, clock: Clock) -> tuple[int, int]:
        day = day_of(self.at(clock), clock.zone)
        return day, day + 1


class Today(Immutable, frozen=True):
    """The clock's local day moved by `shifts` of whole days or more: `today`, `yesterday`, `today - 3 months`."""

    shifts: tuple[Duration, ...] = ()

    @property
    def relative(self) -> bool:
        return True

    def instants(self, clock: Clock) -> tuple[int, int]:
        return _midnights(self.days(clock), clock.zone)

    def days(self, clock: Clock) -> tuple[int, int]:
        day = day_of(clock.now, clock.zone)
        for shift in self.shifts:
            day = step_day(day, shift.count, shift.unit)
        return day, day + 1


# --- periods -------------------------------------------------------------------------------------------------


def _midnights(days: tuple[int, int], zone: ZoneInfo) -> tuple[int, int]:
    return midnight(days[0], zone), midnight(days[1], zone)


class Days(Immutable, frozen=True):
    """The local days [start, end): `2026-06-30`, `2026-06`, `2026`."""

    start: int
    end: int

    @property
    def relative(self) -> bool:
        return False

    def instants(self, clock: Clock) -> tuple[int, int]:
        return _midnights((self.start, self.end), clock.zone)

    def days(self, clock: Clock) -> tuple[int, int]:
        return self.start, self.end


class CalendarPeriod(Immutable, frozen=True):
    """The week (from Monday), month or year of today, moved by `offset` of them: `last month` is -1."""

    unit: Unit
    offset: int

    @property
    def relative(self) -> bool:
        return True

    def instants(self, clock: Clock) -> tuple[int, int]:
        return _midnights(self.days(clock), clock.zone)

    def days(self, clock: Clock) -> tuple[int, int]:
        first = self._first(day_of(clock.now, clock.zone))
        return step_day(first, self.offset, self.unit), step_day(first, self.offset + 1, self.unit)

    def _first(self, today: int) -> int:
        day = date.fromordinal(today + EPOCH_ORDINAL)
        match self.unit:
            case Unit.WEEK:
                return today - day.weekday()
            case Unit.MONTH:
                return today - day.day + 1
            case Unit.YEAR:
                return day.replace(month=1, day=1).toordinal() - EPOCH_ORDINAL
            case _:
                raise ValueError(f"there is no calendar period of a {self.unit}")


class Rolling(Immutable, frozen=True):
    """`last 30 days` (count -30) or `next 30 days` (count 30): ends, or begins, now.

    In days it counts today: `last 1 day` is today alone, `last 1 month` begins the day after this day last month.
    """

    count: int
    unit: Unit

    @property
    def relative(self) -> bool:
        return True

    def instants(self, clock: Clock) -> tuple[int, int]:
        now, other = clock.now, step_instant(clock.now, self.count, self.unit, clock.zone)
        return (other, now) if other <= now else (now, other)

    def days(self, clock: Clock) -> tuple[int, int]:
        today = day_of(clock.now, clock.zone)
        if self.count == 0:
            return today, today
        if self.unit in CLOCK_UNITS:
            other = day_of(step_instant(clock.now, self.count, self.unit, clock.zone), clock.zone)
            return min(other, today), max(other, today) + 1
        other = step_day(today, self.count, self.unit)
        return (other + 1, today + 1) if self.count < 0 else (today, other)


# --- bounds --------------------------------------------------------------------------------------------------


START, END = 0, 1


class Edge(Immutable, frozen=True):
    """All that lies on one side of an end of `window`: its end `of` is the end `at` of what is meant, which is open
    on the other."""

    window: Window
    of: ClassVar[int]
    at: ClassVar[int]

    @property
    def relative(self) -> bool:
        return self.window.relative

    def instants(self, clock: Clock) -> Ends:
        return self._side(self.window.instants(clock))

    def days(self, clock: Clock) -> Ends:
        return self._side(self.window.days(clock))

    def _side(self, ends: Ends) -> Ends:
        return (ends[self.of], None) if self.at == START else (None, ends[self.of])


class Since(Edge, frozen=True):
    """From the start of `window` on, without end."""

    of, at = START, START


class Before(Edge, frozen=True):
    """Everything earlier than the start of `window`."""

    of, at = START, END


class After(Edge, frozen=True):
    """Strictly later than `window`: from its end on."""

    of, at = END, START


class UpTo(Edge, frozen=True):
    """Everything up to the end of `window`, itself included: what `<=` means."""

    of, at = END, END


class Between(Immutable, frozen=True):
    """From the start of `first` to the end of `last`: both are included. Empty when `last` comes before."""

    first: Window
    last: Window

    @property
    def relative(self) -> bool:
        return self.first.relative or self.last.relative

    def instants(self, clock: Clock) -> Ends:
        return _ordered(self.first.instants(clock)[0], self.last.instants(clock)[1])

    def days(self, clock: Clock) -> Ends:
        return _ordered(self.first.days(clock)[0], self.last.days(clock)[1])


def _ordered(start: int | None, end: int | None) -> Ends:
    return start, end if start is None or end is None else max(start, end)
