"""Dates and datetimes: from text and Arrow's own types to days and milliseconds, over whole columns.

Every function gives (values, bad): `bad` is a mask of the rows that do not fit, whose value is null.
"""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from dsl.literals import no_such_day
from formats.inferred import DateOrder
from formats.numbers import Converted, Mask, mask_of, valid, without
from formats.zones import DAY, to_local, to_utc

ISO_DATE = r"^\d{4}-\d{2}-\d{2}$"
ISO_DATETIME = r"^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?)?$"
ZONED = r"^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)? ?(Z|[+-]\d{2}(:?\d{2})?)$"
_CLOCK = r"(?:[T ]+(?P<H>\d{1,2}):(?P<M>\d{2})(?::(?P<S>\d{2})(?:[.,](?P<f>\d{1,3})\d*)?)? ?(?P<p>[AaPp][Mm])?)?"
_LAST = r"[/.-](?P<y>\d{4})"
WRITTEN = {
    DateOrder.DAY_FIRST: rf"^(?P<d>\d{{1,2}})[/.-](?P<m>\d{{1,2}}){_LAST}{_CLOCK}$",
    DateOrder.MONTH_FIRST: rf"^(?P<m>\d{{1,2}})[/.-](?P<d>\d{{1,2}}){_LAST}{_CLOCK}$",
}
"""Dates as people write them."""
_SHORT = rf"(?P<y>\d{{2}}){_CLOCK}$"
_SLASHED, _DOTTED = r"(?P<{}>\d{{1,2}})[/-](?P<{}>\d{{1,2}})[/-]", r"(?P<{}>\d{{2}})\.(?P<{}>\d{{2}})\."
SHORT = {
    DateOrder.DAY_FIRST: tuple(f"^{start.format('d', 'm')}{_SHORT}" for start in (_SLASHED, _DOTTED)),
    DateOrder.MONTH_FIRST: tuple(f"^{start.format('m', 'd')}{_SHORT}" for start in (_SLASHED, _DOTTED)),
}
"""The same with two digits of the year; between points all digits are wanted, since versions look like 4.10.12."""
SHORT_YEAR = r"^\d{1,2}[/.-]\d{1,2}[/.-]\d{2}([T ]|$)"
CENTURY_TURNS = 50
"""Years of two digits from here on are of the 20th century, those before of the 21st (RFC 5280 4.1.2.5.1)."""
YEAR_FIRST = rf"^(?P<y>\d{{4}})/(?P<m>\d{{1,2}})/(?P<d>\d{{1,2}}){_CLOCK}$"

BEGINS_WITH_YEAR = r"\s*(?P<y>\d{4})[/-](?P<m>\d{1,2})[/-](?P<d>\d{1,2})(?=$|[T\s])"

Wall = tuple[npt.NDArray[np.int64], Mask]
"""Wall-clock milliseconds, and the rows that hold one."""


def days_from_text(texts: pa.StringArray, order: DateOrder) -> Converted:
    """Calendar days; a time of day is accepted only where it is midnight."""
    texts = pc.utf8_trim_whitespace(texts)
    wall, found = _wall(texts, order)
    bad = valid(texts) & ~(found & (wall % DAY == 0))
    return _days(wall, bad | ~valid(texts)), bad


def instants_from_text(texts: pa.StringArray, order: DateOrder, zone: ZoneInfo) -> Converted:
    """Milliseconds UTC; without an offset, a moment (or a day's midnight) of the zone."""
    texts = pc.utf8_trim_whitespace(texts)
    wall, found = _wall(texts, order)
    given = valid(texts)
    moments = to_utc(wall, zone)
    if not (found | ~given).all():
        zoned, has_zone = _zoned(texts)
        moments, found = np.where(has_zone, zoned, moments), found | has_zone
    bad = given & ~found
    return pa.array(moments, mask=~found), bad


def calendar_fault(text: str, order: DateOrder) -> str | None:
    """Why there is no such day as a text names; None when it names none, or one that exists.

    >>> calendar_fault("2026-02-30", DateOrder.DAY_FIRST), calendar_fault("31/12/2026", DateOrder.MONTH_FIRST)
    ('February 2026 has 28 days', 'there is no month 31')
    """
    shapes = (BEGINS_WITH_YEAR, WRITTEN[order], *SHORT[order])
    found = next((match for shape in shapes if (match := re.match(shape, text.strip()))), None)
    if found is None:
        return None
    year, month, day = (int(found[part]) for part in "ymd")
    year += (2000 if year < CENTURY_TURNS else 1900) if len(found["y"]) == 2 else 0
    return no_such_day(year, month, day)


def _wall(texts: pa.StringArray, order: DateOrder) -> Wall:
    """What the texts without an offset say, ISO first, then as people write dates."""
    found = mask_of(pc.match_substring_regex(texts, ISO_DATETIME))
    wall, found = _cast_iso(texts, found, pa.timestamp("us"))
    for shape in (WRITTEN[order], YEAR_FIRST, *SHORT[order]):
        if (found | ~valid(texts)).all():
            break
        written, fits = _cast_written(texts, shape)
        wall, found = np.where(fits & ~found, written, wall), found | fits
    return wall, found


def _zoned(texts: pa.StringArray) -> Wall:
    return _cast_iso(texts, mask_of(pc.match_substring_regex(texts, ZONED)), pa.timestamp("us", "UTC"))


def _cast_iso(texts: pa.StringArray, shaped: Mask, type: pa.DataType) -> Wall:
    """Texts of ISO shape to milliseconds; days and hours that no calendar has are left out."""
    chosen = without(texts, ~shaped)
    try:
        stamps = pc.cast(chosen, type)
    except pa.ArrowInvalid:
        stamps = pc.cast(_tidy(chosen), type) if _castable(_tidy(chosen), type) else _one_by_one(_tidy(chosen), type)
    return _milliseconds(stamps), valid(stamps)


def _tidy(texts: pa.StringArray) -> pa.StringArray:
    """Points for commas, at most six digits of a second, no space before an offset."""
    texts = pc.replace_substring_regex(texts, r"[.,](\d{1,6})\d*", r".\1")
    return pc.replace_substring_regex(texts, r" (Z|[+-]\d{2}(:?\d{2})?)$", r"\1")


def _castable(texts: pa.StringArray, type: pa.DataType) -> bool:
    try:
        pc.cast(texts, type)
    except pa.ArrowInvalid:
        return False
    return True


def _one_by_one(texts: pa.StringArray, type: pa.DataType) -> pa.Array:
    """The cast where some text of the right shape is no moment (30 February): halves that cast are cast whole."""
    if _castable(texts, type):
        return pc.cast(texts, type)
    if len(texts) == 1:
        return pa.nulls(1, type)
    middle = len(texts) // 2
    return pa.concat_arrays([_one_by_one(texts[:middle], type), _one_by_one(texts[middle:], type)])


def _milliseconds(stamps: pa.Array) -> npt.NDArray[np.int64]:
    whole = pc.fill_null(pc.cast(stamps, pa.int64()), 0).to_numpy(zero_copy_only=False)
    per: dict[str, tuple[int, int]] = {"s": (1000, 1), "ms": (1, 1), "us": (1, 1000), "ns": (1, 1_000_000)}
    times, divided = per[stamps.type.unit]
    milliseconds: npt.NDArray[np.int64] = whole * times if divided == 1 else whole // divided
    return milliseconds


def _cast_written(texts: pa.StringArray, shape: str) -> Wall:
    """Written dates, through their distinct values, since a column has few against its rows."""
    coded = pc.dictionary_encode(texts)
    if not len(coded.dictionary):
        return np.zeros(len(texts), dtype=np.int64), np.zeros(len(texts), dtype=np.bool_)
    wall, found = _compose(pc.extract_regex(coded.dictionary, shape))
    codes = pc.fill_null(coded.indices, 0).to_numpy(zero_copy_only=False)
    return wall[codes], found[codes] & valid(texts)


def _compose(parts: pa.StructArray) -> Wall:
    """The moments of year, month, day, hour, minute, second and fraction, where they exist."""
    year, month, day, hour, minute, second = (_part(parts, name) for name in "ymdHMS")
    year = np.where(_lengths(parts, "y") == 2, year + np.where(year < CENTURY_TURNS, 2000, 1900), year)
    fraction = _part_text(parts, "f")
    half = pc.utf8_lower(_part_text(parts, "p")).to_numpy(zero_copy_only=False)
    twelve = half != ""
    hour24 = np.where(twelve, hour % 12 + np.where(half == "pm", 12, 0), hour)
    months = np.clip(month, 1, 12)
    first = ((year - 1970) * 12 + months - 1).astype("datetime64[M]")
    days = first.astype("datetime64[D]").astype(np.int64) + day - 1
    length = (first + 1).astype("datetime64[D]").astype(np.int64) - first.astype("datetime64[D]").astype(np.int64)
    clock = (hour24 < 24) & (minute < 60) & (second < 60) & (~twelve | ((hour >= 1) & (hour <= 12)))
    exists = mask_of(parts.is_valid()) & (month == months) & (day >= 1) & (day <= length) & (year >= 1) & clock
    milli = pc.cast(pc.utf8_rpad(fraction, 3, "0"), pa.int64()).to_numpy(zero_copy_only=False)
    return days * DAY + ((hour24 * 60 + minute) * 60 + second) * 1000 + milli, exists


def _part_text(parts: pa.StructArray, name: str) -> pa.StringArray:
    return pc.fill_null(pc.struct_field(parts, name), "")


def _lengths(parts: pa.StructArray, name: str) -> npt.NDArray[np.int32]:
    lengths: npt.NDArray[np.int32] = pc.utf8_length(_part_text(parts, name)).to_numpy(zero_copy_only=False)
    return lengths


def _part(parts: pa.StructArray, name: str) -> npt.NDArray[np.int64]:
    text = _part_text(parts, name)
    digits = pc.if_else(pc.equal(text, ""), "0", text)
    number: npt.NDArray[np.int64] = pc.cast(digits, pa.int64()).to_numpy(zero_copy_only=False)
    return number


def _days(wall: npt.NDArray[np.int64], missing: Mask) -> pa.Array:
    return pa.array((wall // DAY).astype(np.int32), mask=missing)


def instants_from_stamps(stamps: pa.Array, zone: ZoneInfo) -> pa.Array:
    """Timestamps of any unit to milliseconds UTC; naive ones are wall-clock times of the zone."""
    milliseconds = _milliseconds(stamps)
    moments = milliseconds if stamps.type.tz is not None else to_utc(milliseconds, zone)
    return pa.array(moments, mask=~valid(stamps))


def days_from_stamps(stamps: pa.Array, zone: ZoneInfo) -> pa.Array:
    """The calendar days of timestamps, in the zone."""
    milliseconds = _milliseconds(stamps)
    wall = milliseconds if stamps.type.tz is None else to_local(milliseconds, zone)
    return _days(wall, ~valid(stamps))


def days_from_dates(dates: pa.Array) -> pa.Array:
    """Arrow dates of either width to days since 1970."""
    return pc.cast(pc.cast(dates, pa.date32()), pa.int32())


def instants_from_dates(dates: pa.Array, zone: ZoneInfo) -> pa.Array:
    """The midnights, in the zone, at which days begin."""
    days = pc.fill_null(days_from_dates(dates), 0).to_numpy(zero_copy_only=False).astype(np.int64)
    return pa.array(to_utc(days * DAY, zone), mask=~valid(dates))
