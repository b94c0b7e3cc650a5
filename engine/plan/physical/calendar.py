"""Calendar parts of whole arrays of days and instants, through daylight saving."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from dsl.moments import LAST_DAY
from dsl.schema import Type
from dsl.typed import Part

Ints = NDArray[np.int64]

_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PROBE = timedelta(days=7)
_ALL_MONTHS = 12 * 10_000


def local_days(moments: Ints, type: Type, zone: str) -> Ints:
    """Days since 1970: of days as they are, of instants in `zone`."""
    return moments if type is Type.DATE else _local(moments, zone) // _DAY_MS


def local_hours(moments: Ints, type: Type, zone: str) -> Ints:
    """0..23; a day begins at hour 0."""
    return np.zeros_like(moments) if type is Type.DATE else _local(moments, zone) % _DAY_MS // _HOUR_MS


def stretches(least: int, most: int, unit: int, zone: str) -> Ints:
    """Instants from `least` to `most`, the first of them `least`, between which no local day (hour) ends, if `unit` is
    that of a day (an hour) in milliseconds: where one begins, and where the zone's clocks are set."""
    changes, offsets = _offsets_between(least, most, zone)
    begins = np.append(least, changes).clip(least, most + 1)
    ends = np.append(begins[1:], most + 1)
    found = [
        np.append(begin, np.arange((begin + offset) // unit * unit + unit - offset, end, unit))
        for begin, end, offset in zip(begins.tolist(), ends.tolist(), offsets.tolist(), strict=True)
        if begin < end
    ]
    return np.concatenate(found)


def months_later(instants: Ints, months: int, zone: str, latest: int) -> Ints:
    """The same local time of day, `months` later, on the month's last day where there is none such.

    As `dsl.moments.step_instant`, but results beyond `latest` are only known to be so.
    """
    days, time_of_day = np.divmod(_local(instants, zone), _DAY_MS)
    there = days.astype("datetime64[D]").astype("datetime64[M]") + min(months, _ALL_MONTHS)
    day_of_month = _dates(days)[2]
    same_day = there.astype("datetime64[D]").astype(np.int64) + day_of_month - 1
    month_end = (there + 1).astype("datetime64[D]").astype(np.int64) - 1
    # Two days beyond the latest are beyond it in every zone: later ones need not be told apart.
    last = min(latest // _DAY_MS + 2, LAST_DAY)
    return _instants(np.minimum(np.minimum(same_day, month_end), last) * _DAY_MS + time_of_day, zone)


def month_day(days: Ints) -> Ints:
    """month * 100 + day."""
    _, month, day = _dates(days)
    return month * 100 + day


def date_part(part: Part, days: Ints, today: int) -> Ints:
    """A part of each day; Monday is weekday 1; whole years until `today` for YEARS_SINCE."""
    match part:
        case Part.YEAR:
            return _months(days) // 12 + 1970
        case Part.MONTH:
            return _months(days) % 12 + 1
        case Part.DAY:
            return _dates(days)[2]
        case Part.WEEKDAY:
            return (days + 3) % 7 + 1  # 1970-01-01 was a Thursday
        case Part.YEARS_SINCE:
            year, month, day = _dates(days)
            return _years_until(today, year, month * 100 + day)
        case _:
            raise TypeError(f"days have no {part}")


def _years_until(today: int, year: Ints, month_day: Ints) -> Ints:
    """Anniversaries that have come; 29 February has its on 28 February in common years."""
    this = _EPOCH + timedelta(days=today)
    leap = (this + timedelta(days=366 - this.timetuple().tm_yday)).year == this.year
    reached = this.month * 100 + this.day
    due = month_day if leap else np.where(month_day == 229, 228, month_day)
    return this.year - year - (due > reached)


def _months(days: Ints) -> Ints:
    """Months since January 1970 of each day since then."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _dates(days: Ints) -> tuple[Ints, Ints, Ints]:
    """Year, month and day of the month of each day since 1970."""
    dates = days.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month = months.astype(np.int64)
    return month // 12 + 1970, month % 12 + 1, (dates - months).astype(np.int64) + 1


def _local(instants: Ints, zone: str) -> Ints:
    """Milliseconds since 1970 as the zone's clocks show them."""
    if not instants.size:
        return instants
    changes, offsets = _offsets_between(int(instants.min()), int(instants.max()), zone)
    return instants + offsets[np.searchsorted(changes, instants, side="right")]


def _instants(local: Ints, zone: str) -> Ints:
    """The instants of local times: the first where one comes twice, moved forward by the gap where one is skipped."""
    if not local.size:
        return local
    changes, offsets = _offsets_between(int(local.min()), int(local.max()), zone)
    # Until clocks that are set forward show the new time, and until those set back have shown the old one twice.
    turns = changes + np.maximum(offsets[:-1], offsets[1:])
    return local - offsets[np.searchsorted(turns, local, side="right")]


def _offsets_between(least: int, most: int, zone: str) -> tuple[Ints, Ints]:
    """`_offsets` in the years of all instants from `least` to `most`."""
    first, last = ((_EPOCH + timedelta(milliseconds=end)).year for end in (least, most))
    return _offsets(zone, first, last)


@lru_cache(maxsize=64)
def _offsets(zone: str, first_year: int, last_year: int) -> tuple[Ints, Ints]:
    """When the zone's offset changes in these years, and the offset before the first and from each change on.

    Offsets are probed week by week, and a change between two probes is found by bisection to the second.
    """
    at = datetime(first_year, 1, 1, tzinfo=UTC) - _PROBE
    end = min(datetime(last_year, 12, 31, tzinfo=UTC), datetime(9999, 12, 1, tzinfo=UTC)) + _PROBE
    info = ZoneInfo(zone)
    changes: list[int] = []
    offsets = [_offset(at, info)]
    while at < end:
        if _offset(at + _PROBE, info) != offsets[-1]:
            changes.append(_change(at, at + _PROBE, info))
            offsets.append(_offset(at + _PROBE, info))
        at += _PROBE
    return np.array(changes, np.int64), np.array(offsets, np.int64)


def _offset(at: datetime, zone: ZoneInfo) -> int:
    offset = at.astimezone(zone).utcoffset()
    return 0 if offset is None else offset // timedelta(milliseconds=1)


def _change(before: datetime, after: datetime, zone: ZoneInfo) -> int:
    """The first second at which the offset is that of `after`."""
    old = _offset(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // timedelta(seconds=2) * timedelta(seconds=1)
        before, after = (middle, after) if _offset(middle, zone) == old else (before, middle)
    return (after - _EPOCH) // timedelta(milliseconds=1)
