"""Windows of time as SQL: the expressions of their bounds, which DuckDB works out from the clock's instant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from dsl import moments
from dsl.moments import Duration, Unit, Window
from tests.duck import sql

Bounds = tuple[str | None, str | None]
"""[start, end), either of which may be open-ended."""

EXACT = {Unit.SECOND: "to_seconds", Unit.MINUTE: "to_minutes", Unit.HOUR: "to_hours"}
STEPS = {Unit.DAY: "to_days", Unit.WEEK: "to_weeks", Unit.MONTH: "to_months", Unit.YEAR: "to_years"}
MILLISECOND = "INTERVAL '1 millisecond'"
DAY = "INTERVAL '1 day'"


def later_moment(moment: str, count: int, unit: Unit) -> str:
    """Hours and less are exact; others keep the time of day on the wall."""
    if count == 0:
        return moment
    if unit in EXACT:
        return f"({moment} + {EXACT[unit]}({count}))"
    return f"instant(local({moment}) + {STEPS[unit]}({count}))"


def later_day(day: str, count: int, unit: Unit) -> str:
    return f"({day} + {STEPS[unit]}({count}))::DATE"


@dataclass(frozen=True)
class Calendar:
    """Windows seen from `now`, milliseconds since 1970 UTC."""

    now_ms: int

    @property
    def now(self) -> str:
        return sql.instant(self.now_ms)

    @property
    def today(self) -> str:
        return f"local({self.now})::DATE"

    def moved(self, shifts: tuple[Duration, ...]) -> str:
        moment = self.now
        for shift in shifts:
            moment = later_moment(moment, shift.count, shift.unit)
        return moment

    def moved_day(self, shifts: tuple[Duration, ...]) -> str:
        day = self.today
        for shift in shifts:
            day = later_day(day, shift.count, shift.unit)
        return day

    # --- of datetimes -----------------------------------------------------------------------------------

    def instants(self, window: Window) -> Bounds:
        match window:
            case moments.Instant(at=at):
                return sql.instant(at), f"{sql.instant(at)} + {MILLISECOND}"
            case moments.Now(shifts=shifts):
                return self.moved(shifts), f"{self.moved(shifts)} + {MILLISECOND}"
            case moments.Rolling(count=count, unit=unit):
                other = later_moment(self.now, count, unit)
                return (other, self.now) if count < 0 else (self.now, other)
            case moments.Today() | moments.Days() | moments.CalendarPeriod():
                return tuple(None if day is None else f"instant(({day})::TIMESTAMP)" for day in self.days(window))
            case _:
                return bounded(window, self.instants)

    # --- of dates ---------------------------------------------------------------------------------------

    def days(self, window: Window) -> Bounds:
        match window:
            case moments.Instant(at=at):
                return one_day(f"local({sql.instant(at)})::DATE")
            case moments.Now(shifts=shifts):
                return one_day(f"local({self.moved(shifts)})::DATE")
            case moments.Today(shifts=shifts):
                return one_day(self.moved_day(shifts))
            case moments.Days(start=start, end=end):
                return sql.day(start), sql.day(end)
            case moments.CalendarPeriod(unit=unit, offset=offset):
                first = f"date_trunc('{unit.value}', {self.today})::DATE"
                return later_day(first, offset, unit), later_day(first, offset + 1, unit)
            case moments.Rolling():
                return self.rolling_days(window)
            case _:
                return bounded(window, self.days)

    def rolling_days(self, window: moments.Rolling) -> Bounds:
        """Days counted with today; of hours and less, the days they touch."""
        if window.unit in EXACT:
            other = f"local({later_moment(self.now, window.count, window.unit)})::DATE"
            first, last = (other, self.today) if window.count < 0 else (self.today, other)
            return first, f"({last} + {DAY})::DATE"
        other = later_day(self.today, window.count, window.unit)
        if window.count < 0:
            return f"({other} + {DAY})::DATE", f"({self.today} + {DAY})::DATE"
        return self.today, other

    # --- spans ------------------------------------------------------------------------------------------

    def spans(self, count: int, unit: Unit) -> str:
        """A relation spans(number, first, last) of the spans that end now."""
        edges = [later_moment(self.now, -number, unit) for number in range(count + 1)]
        rows = ", ".join(f"({number}, {edges[number + 1]}, {edges[number]})" for number in range(count))
        return f"(values {rows}) spans(number, first, last)"


def one_day(day: str) -> Bounds:
    return day, f"({day} + {DAY})::DATE"


def bounded(window: Window, bounds_of: Callable[[Window], Bounds]) -> Bounds:
    """The bounds that a window takes from others."""
    match window:
        case moments.Since(window=inner):
            return bounds_of(inner)[0], None
        case moments.Before(window=inner):
            return None, bounds_of(inner)[0]
        case moments.After(window=inner):
            return bounds_of(inner)[1], None
        case moments.UpTo(window=inner):
            return None, bounds_of(inner)[1]
        case moments.Between(first=first, last=last):
            return bounds_of(first)[0], bounds_of(last)[1]
        case _:
            raise TypeError(f"no such window: {type(window).__name__}")


def lies_in(value: str, bounds: Bounds) -> str:
    start, end = bounds
    asked = ([] if start is None else [f"{value} >= {start}"]) + ([] if end is None else [f"{value} < {end}"])
    return sql.all_of(asked or [f"{value} is not null"])
