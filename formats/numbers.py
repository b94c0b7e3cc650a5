"""Numbers: from text, integers, doubles and decimals to exact scaled integers, or to floats, over whole columns.

Every function gives (values, bad): `bad` is a mask of the rows that do not fit, whose value is null.
"""

from __future__ import annotations

import re

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from formats.inferred import Dialect

Mask = npt.NDArray[np.bool_]
Converted = tuple[pa.Array, Mask]

WIDEST = 38
"""Digits a decimal128 holds; more than any scaled 64-bit number needs."""

SPACES = (" ", "\u00a0", "\u202f")
"""What may part the groups of a number where `thousands` is a space: plain, no-break, narrow no-break."""


def mask_of(flags: pa.Array) -> Mask:
    """A boolean array as a numpy mask; null counts as false."""
    found: Mask = pc.fill_null(flags, False).to_numpy(zero_copy_only=False)
    return found


def valid(array: pa.Array) -> Mask:
    """The rows of an array that are not null."""
    if array.null_count == 0:
        return np.ones(len(array), dtype=np.bool_)
    found: Mask = array.is_valid().to_numpy(zero_copy_only=False)
    return found


def without(array: pa.Array, bad: Mask) -> pa.Array:
    """The array with its bad rows made null."""
    return pc.if_else(pa.array(~bad), array, pa.scalar(None, array.type)) if bad.any() else array


def plain(texts: pa.StringArray, dialect: Dialect) -> pa.StringArray:
    """Numbers of a dialect as `1234.5`. What is grouped wrongly is left as it is, and so fits no number."""
    texts = pc.utf8_trim_whitespace(texts)
    if dialect.thousands:
        texts = _ungrouped(texts, dialect)
    if dialect.decimal != ".":
        texts = pc.replace_substring(pc.replace_substring(texts, ".", "?"), dialect.decimal, ".")
    return texts


def _ungrouped(texts: pa.StringArray, dialect: Dialect) -> pa.StringArray:
    groups = SPACES if dialect.thousands in SPACES else (dialect.thousands,)
    separator = "[" + "".join(map(re.escape, groups)) + "]"
    shape = rf"^[+-]?\d{{1,3}}({separator}\d{{3}})+({re.escape(dialect.decimal)}\d*)?$"
    grouped = pc.match_substring_regex(texts, shape)
    if not pc.any(grouped).as_py():
        return texts
    return pc.if_else(grouped, pc.replace_substring_regex(texts, separator, ""), texts)


def scaled_from_text(texts: pa.StringArray, decimals: int, dialect: Dialect) -> Converted:
    """Decimal text to int64 scaled by 10**decimals, exactly; zeros beyond the decimals are no loss."""
    texts = plain(texts, dialect)
    fraction = rf"(\.\d{{0,{decimals}}}0*)" if decimals else r"(\.0*)"
    fits = mask_of(pc.match_substring_regex(texts, rf"^[+-]?(\d{{1,19}}{fraction}?|\.\d{{1,6}})$"))
    bad = valid(texts) & ~fits
    return _cast_decimal(without(texts, bad), bad, decimals)


def _cast_decimal(texts: pa.StringArray, bad: Mask, decimals: int) -> Converted:
    try:
        exact = pc.cast(texts, pa.decimal128(WIDEST, decimals))
    except pa.ArrowInvalid:
        # Digits lost or more than there is room for: rare enough to be looked at one by one.
        bad = bad | np.array([not _fits(text, decimals) for text in texts.to_pylist()], dtype=np.bool_)
        exact = pc.cast(without(texts, bad), pa.decimal128(WIDEST, decimals))
    return _unscaled(exact, bad)


def _fits(text: str | None, decimals: int) -> bool:
    if text is None:
        return True
    whole, _, fraction = text.partition(".")
    return len(whole) + decimals < WIDEST and len(fraction.rstrip("0")) <= decimals


def _unscaled(exact: pa.Decimal128Array, bad: Mask) -> Converted:
    """The integers behind decimals; those beyond 64 bits are bad."""
    words = np.frombuffer(exact.buffers()[1] or b"", dtype=np.int64)
    words = words[2 * exact.offset : 2 * (exact.offset + len(exact))]
    low, high = words[0::2], words[1::2]
    given = valid(exact)
    bad = bad | (given & (high != low >> 63))
    return pa.array(low, mask=bad | ~given), bad


def scaled_from_integers(values: pa.Array, decimals: int) -> Converted:
    """Integers of any width to int64 scaled by 10**decimals."""
    return scaled_from_decimals(pc.cast(values, pa.decimal128(20, 0)), decimals)


def scaled_from_decimals(values: pa.Array, decimals: int) -> Converted:
    """Decimals to int64 scaled by 10**decimals; digits that would be lost make a row bad."""
    scale = values.type.scale
    if scale <= decimals and values.type.precision - scale + decimals <= WIDEST:
        return _unscaled(pc.cast(values, pa.decimal128(WIDEST, decimals)), np.zeros(len(values), dtype=np.bool_))
    return scaled_from_text(pc.cast(values, pa.string()), decimals, Dialect())


def scaled_from_doubles(values: pa.Array, decimals: int) -> Converted:
    """Doubles to int64 scaled by 10**decimals, half to even; NaN is missing.

    A double fits when it lies within one part in 10**9 of the decimal: 19.99 is 1999 hundredths, 19.995 none.
    """
    doubles, given = _doubles(values)
    with np.errstate(over="ignore", invalid="ignore"):
        wide = doubles * 10.0**decimals
        nearest = np.rint(wide)
        near = np.abs(wide - nearest) <= 1e-9 * np.maximum(np.abs(nearest), 1.0)
    bad = given & ~(near & (np.abs(nearest) < 2.0**63))
    return pa.array(np.where(bad | ~given, 0.0, nearest).astype(np.int64), mask=bad | ~given), bad


def floats_from_numbers(values: pa.Array) -> Converted:
    """Any numbers to finite doubles; NaN is missing, infinity is bad."""
    doubles, given = _doubles(pc.cast(values, pa.float64(), safe=False))
    bad = given & ~np.isfinite(doubles)
    return pa.array(doubles, mask=bad | ~given), bad


def floats_from_text(texts: pa.StringArray, dialect: Dialect) -> Converted:
    """Decimal or scientific text to finite doubles."""
    texts = plain(texts, dialect)
    shape = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
    bad = valid(texts) & ~mask_of(pc.match_substring_regex(texts, shape))
    # The cast refuses a leading plus.
    bare = pc.replace_substring_regex(without(texts, bad), r"^\+", "")
    values, infinite = floats_from_numbers(pc.cast(bare, pa.float64()))
    return values, bad | infinite


def _doubles(values: pa.Array) -> tuple[npt.NDArray[np.float64], Mask]:
    doubles = pc.fill_null(pc.cast(values, pa.float64()), float("nan")).to_numpy(zero_copy_only=False)
    return doubles, ~np.isnan(doubles)


def decimals_of(doubles: pa.Array, most: int) -> int | None:
    """The fewest decimals (0..most) that hold every one of the doubles; None when none do."""
    return next((d for d in range(most + 1) if not scaled_from_doubles(doubles, d)[1].any()), None)
