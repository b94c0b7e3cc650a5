"""Anniversaries: which days of the year have theirs within a stretch of days."""

from __future__ import annotations

from calendar import isleap
from datetime import date, timedelta

from engine.plan.logical import Interval

_EPOCH = date(1970, 1, 1)
LEAP_DAY = 229


def anniversaries(start: int | None, end: int | None) -> tuple[Interval, ...]:
    """The days of the year (month * 100 + day) whose anniversary lies in [start, end), as intervals.

    29 February falls on 28 February in common years.

    >>> from datetime import date
    >>> newyear = (date(2026, 12, 30) - date(1970, 1, 1)).days
    >>> [(i.low, i.high) for i in anniversaries(newyear, newyear + 4)]
    [(101, 102), (1230, 1231)]
    """
    if start is None or end is None or end - start > 366:
        return (Interval(),)
    days = [_EPOCH + timedelta(days=day) for day in range(start, end)]
    codes = {day.month * 100 + day.day for day in days}
    if any((day.month, day.day) == (2, 28) and not isleap(day.year) for day in days):
        codes.add(LEAP_DAY)
    return _runs(sorted(codes))


def _runs(codes: list[int]) -> tuple[Interval, ...]:
    runs: list[tuple[int, int]] = []
    for code in codes:
        if runs and code == runs[-1][1] + 1:
            runs[-1] = (runs[-1][0], code)
        else:
            runs.append((code, code))
    return tuple(Interval(low, high) for low, high in runs)
