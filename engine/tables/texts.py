"""Text predicates over distinct values, with vectorised kernels. Used alike by sealed and growing dictionaries."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dsl.folding import fold
from dsl.typed import Contains, EndsWith, ExactlyOneOf, HasAll, HasAny, Like, Matches, OneOf, StartsWith
from engine.bitmaps import Mask
from engine.deadline import still_wanted
from engine.parallel import on_every_core
from engine.reading import ColumnPredicate


def strings(values: Sequence[str | None]) -> pa.StringArray:
    """An Arrow string array of `values`; null for None."""
    return pa.array(values, pa.string())


AT_ONCE = 1 << 13
"""So many texts are made Python strings, or Arrow ones, in one call, during which no other thread runs."""


SEARCHED_AT_ONCE = 1 << 12
"""So many texts are searched between two looks at the deadline: at up to a microsecond each, some milliseconds."""


def in_steps(texts: pa.StringArray) -> Iterator[list[str]]:
    """The texts as lists of Python strings, a few thousand in each."""
    return (texts[begin : begin + AT_ONCE].to_pylist() for begin in range(0, len(texts), AT_ONCE))


def strings_of_many(texts: Sequence[str], size: int) -> pa.StringArray:
    """An Arrow string array of the first `size` texts, made in short steps."""
    return pa.concat_arrays([strings(texts[begin : min(size, begin + AT_ONCE)]) for begin in range(0, size, AT_ONCE)])


def fold_all(texts: pa.StringArray) -> pa.StringArray:
    """`dsl.folding.fold` of every text; the very same array when nothing changes."""
    plain = pc.string_is_ascii(texts)
    if not pc.all(plain, min_count=0).as_py():
        return _fold_mixed(texts, plain)
    lowered = pc.ascii_lower(texts)
    return texts if lowered.equals(texts) else lowered


def _fold_mixed(texts: pa.StringArray, plain: pa.BooleanArray) -> pa.StringArray:
    others = pc.invert(plain)
    mixed = [strings([fold(text) for text in some]) for some in in_steps(texts.filter(others))]
    folded = pa.concat_arrays(mixed)
    return pc.replace_with_mask(pc.if_else(plain, pc.ascii_lower(texts), texts), others, folded)


def text_mask(predicate: ColumnPredicate, folded: pa.StringArray, exact: pa.StringArray) -> Mask:
    """Which texts satisfy `predicate`, given each one folded and as written: it is about one of the two."""
    asked = exact if isinstance(predicate, ExactlyOneOf | Matches) else folded
    if len(asked) <= SEARCHED_AT_ONCE:
        return _mask_of_some(predicate, asked)
    steps = range(0, len(asked), SEARCHED_AT_ONCE)

    def some(begin: int) -> Mask:
        return _mask_of_some(predicate, asked[begin : begin + SEARCHED_AT_ONCE])

    return np.concatenate(on_every_core(some, steps, len(steps) > 2))


def _mask_of_some(predicate: ColumnPredicate, texts: pa.StringArray) -> Mask:
    still_wanted()
    match predicate:
        case OneOf(values) | HasAny(values) | HasAll(values):
            return mask_of(pc.is_in(texts, strings([str(value) for value in values])))
        case ExactlyOneOf(values):
            return mask_of(pc.is_in(texts, strings(list(values))))
        case StartsWith(text):
            return mask_of(pc.starts_with(texts, text))
        case EndsWith(text):
            return mask_of(pc.ends_with(texts, text))
        case Contains(text):
            return mask_of(pc.match_substring(texts, text))
        case Like(pattern):
            return mask_of(pc.match_like(texts, pattern.replace("\\", "\\\\")))
        case Matches(pattern, ignore_case):
            return mask_of(pc.match_substring_regex(texts, pattern, ignore_case=ignore_case))
        case _:
            raise TypeError(f"{type(predicate).__name__} does not apply to text")


def mask_of(flags: Any) -> Mask:
    """A numpy mask of an Arrow boolean array without nulls."""
    mask: NDArray[np.bool_] = flags.to_numpy(zero_copy_only=False)
    return mask
