"""The texts that most rows have, among those that fit what is typed: what completion asks of a column."""

from __future__ import annotations

from collections.abc import Callable
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

    def most() -> Most:
        if index.most is None:
            index.most = Most.of(dictionary.folded_groups, index.counts)
        return index.most

    starting = dictionary.select_groups(StartsWith(typed)) if typed else most().places[:limit]
    assert starting is not None, "texts that fold alike begin alike"
    groups = _fitting(most, starting, index.counts, typed, limit)
    codes = groups if dictionary.starts is None else dictionary.starts[groups]
    texts: list[str] = dictionary.exact.take(pa.array(codes)).to_pylist()
    return texts


def loose_texts(dictionary: Dictionary, codes: NDArray[Any], typed: str, limit: int) -> list[str]:
    """Texts of a column without an index, of whose rows these are the codes."""
    counts = np.bincount(codes[codes >= 0], minlength=len(dictionary))
    starting = np.flatnonzero(dictionary.select(StartsWith(typed)))
    groups = _fitting(lambda: Most.of(strings(dictionary.folded()), counts), starting, counts, typed, limit)
    return [text for text in dictionary.texts(groups) if text is not None]


def _fitting(most: Callable[[], Most], starting: Places, counts: NDArray[Any], typed: str, limit: int) -> Places:
    """Places of texts that start with what is typed; then that have it inside; when there is none, that nearly do."""
    found = best(counts, starting, limit)
    if typed and len(found) < limit:
        candidates = most()
        inside = candidates.places[mask_of(pc.match_substring(candidates.folded, typed))]
        found = np.append(found, inside[~np.isin(inside, starting)][: limit - len(found)])
        if not len(found):
            return candidates.places[_near(candidates, typed)[:limit]]
    return found


def _near(most: Most, typed: str) -> list[int]:
    candidates: list[str] = most.folded[:NEAR_SEARCHED].to_pylist()
    return [place for place, folded in enumerate(candidates) if near(typed, folded)]
