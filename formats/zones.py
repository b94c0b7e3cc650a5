"""Local time and UTC, over whole arrays of milliseconds, exactly as `zoneinfo` has it (with fold=0).

A local time skipped in spring is read with the offset before the change, so it moves forward by the gap; one that
comes twice in autumn is its first occurrence.
"""

from __future__ import annotations

from datetime import MAXYEAR, UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import numpy as np

from formats.batch import Instants

DAY = 86_400_000
FIRST = 1800
"""No zone changed its offset before this year."""
REGULAR = 2100
"""From this year on only yearly rules are left, whose changes lie more than a week apart."""
_DAYS_OF_1970 = datetime(1970, 1, 1, tzinfo=UTC).toordinal()


def to_utc(local: Instants, zone: ZoneInfo) -> Instants:
    """Instants of wall-clock times given as milliseconds since 1970-01-01T00:00 on the same clock."""
    if zone.key == "UTC" or not len(local):
        return local
    starts, offsets = _offsets(zone, *_years(local))
    # The offset `after` holds from the change on; on the wall clock that begins at the later of the two readings.
    changes = starts[1:] + np.maximum(offsets[:-1], offsets[1:])
    return local - offsets[np.searchsorted(changes, local, side="right")]


def to_local(instants: Instants, zone: ZoneInfo) -> Instants:
    """Wall-clock times, as milliseconds since 1970-01-01T00:00 on the same clock."""
    if zone.key == "UTC" or not len(instants):
        return instants
    starts, offsets = _offsets(zone, *_years(instants))
    return instants + offsets[np.searchsorted(starts[1:], instants, side="right")]


def _years(milliseconds: Instants) -> tuple[int, int]:
    low, high = (int(edge) // DAY for edge in (milliseconds.min(), milliseconds.max()))
    return _year(low - 2), _year(high + 2)


def _year(day: int) -> int:
    ordinal = min(max(day + _DAYS_OF_1970, 1), datetime.max.toordinal())
    return datetime.fromordinal(ordinal).year


@lru_cache(maxsize=64)
def _offsets(zone: ZoneInfo, first: int, last: int) -> tuple[Instants, Instants]:
    """Moments (UTC) from which each offset holds, through the years first..last; the first entry has no beginning."""
    changes = [change for year in range(first, last + 1) for change in _changes(zone, year)]
    before = _offset(zone, datetime(first, 1, 2, tzinfo=UTC))
    return (
        np.array([np.iinfo(np.int64).min, *(moment for moment, _ in changes)], dtype=np.int64),
        np.array([before, *(offset for _, offset in changes)], dtype=np.int64),
    )


@lru_cache(maxsize=4096)
def _changes(zone: ZoneInfo, year: int) -> tuple[tuple[int, int], ...]:
    """(instant, offset from then on) of each change in a year: looked for by days (or weeks), then by halving."""
    if year < FIRST:
        return ()
    start = datetime(year, 1, 2, tzinfo=UTC)
    end = datetime(year + 1, 1, 2, tzinfo=UTC) if year < MAXYEAR else datetime(year, 12, 31, tzinfo=UTC)
    days = [*(start + timedelta(days=d) for d in range(0, (end - start).days, 1 if year < REGULAR else 7)), end]
    offsets = [_offset(zone, day) for day in days]
    return tuple(
        (_change(zone, days[i - 1], days[i]), offsets[i]) for i in range(1, len(days)) if offsets[i] != offsets[i - 1]
    )


def _change(zone: ZoneInfo, before: datetime, after: datetime) -> int:
    """The instant (milliseconds) of the change between two moments whose offsets differ."""
    low, high, offset = int(before.timestamp()), int(after.timestamp()), _offset(zone, before)
    while high - low > 1:
        middle = (low + high) // 2
        same = _offset(zone, datetime.fromtimestamp(middle, UTC)) == offset
        low, high = (middle, high) if same else (low, middle)
    return high * 1000


def _offset(zone: ZoneInfo, moment: datetime) -> int:
    """Milliseconds the wall clock of a zone is ahead of UTC at a moment."""
    ahead = moment.astimezone(zone).utcoffset()
    return int((ahead or timedelta()).total_seconds()) * 1000
