"""The texts that most rows have, among those that fit what is typed: what completion asks of a column."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dsl.complete.matching import near
from dsl.typed import StartsWith
from engine.tables.dictionary import Dictionary
from engine.tables.groups import GroupIndex
from engine.tables.most import Most, Places, best
from engine.tables.sorted import SortedDictionary
from engine.tables.texts import mask_of, strings

NEAR_SEARCHED = 1 << 10
"""So many most held texts are compared with what is typed letter by letter."""


def sealed_texts(dictionary: SortedDictionary, index: GroupIndex, typed: str, limit: int) -> list[str]:
    """Texts of a sealed column, one for each group that folds alike."""
    if index.most is None:
        index.most = Most.of(dictionary.folded_groups, index.counts)
    starting = dictionary.select_groups(StartsWith(typed)) if typed else index.most.places[:limit]
    assert starting is not None, "texts that fold alike begin alike"
    groups = _fitting(index.most, starting, index.counts, typed, limit)
    codes = groups if dictionary.starts is None else dictionary.starts[groups]
    texts: list[str] = dictionary.exact.take(pa.array(codes)).to_pylist()
    return texts


def loose_texts(dictionary: Dictionary, codes: NDArray[Any], typed: str, limit: int) -> list[str]:
    """Texts of a column without an index, of whose rows these are the codes."""
    counts = np.bincount(codes[codes >= 0], minlength=len(dictionary))
    starting = np.flatnonzero(dictionary.select(StartsWith(typed)))
    most = Most.of(strings(dictionary.folded()), counts)
    return [text for text in dictionary.texts(_fitting(most, starting, counts, typed, limit)) if text is not None]


def _fitting(most: Most, starting: Places, counts: NDArray[Any], typed: str, limit: int) -> Places:
    """Places of texts that start with what is typed; then that have it inside; when there is none, that nearly do."""
    found = best(counts, starting, limit)
    if typed and len(found) < limit:
        inside = most.places[mask_of(pc.match_substring(most.folded, typed))]
        found = np.append(found, inside[~np.isin(inside, starting)][: limit - len(found)])
    return found if len(found) else most.places[list(_near(most, typed))[:limit]]


def _near(most: Most, typed: str) -> Iterator[int]:
    candidates: list[str] = most.folded[:NEAR_SEARCHED].to_pylist()
    return (place for place, folded in enumerate(candidates) if near(typed, folded))
