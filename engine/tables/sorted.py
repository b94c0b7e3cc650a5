"""Arrow dictionaries: plain ones, and the sorted ones of sealed columns, where equal and prefixed texts are ranges."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from dsl.folding import fold
from dsl.typed import Contains, EndsWith, ExactlyOneOf, HasAny, Like, Matches, OneOf, StartsWith
from engine.bitmaps import Mask
from engine.reading import ColumnPredicate
from engine.tables.groups import spans
from engine.tables.literals import Literals, of_like, of_regex
from engine.tables.searching import Texts
from engine.tables.texts import fold_all, text_mask
from storage import Array

AFTER = b"\xff"
"""Sorts after every continuation of a prefix: no UTF-8 text contains this byte."""
KEPT_TEXTS = 4096


class SortedDictionary:
    """Distinct texts sorted by folded, then exact form. Group `g` of texts that fold alike has the codes
    `starts[g]:starts[g + 1]`, and `folded[g]` is its form. Where no two fold alike, codes are groups."""

    __slots__ = ("_data", "_ends", "_forms", "_kept", "_places", "exact", "folded_groups", "starts")

    def __init__(self, exact: pa.StringArray, folded_groups: pa.StringArray, starts: NDArray[np.int32] | None) -> None:
        self.exact = exact
        self.folded_groups = folded_groups
        self.starts = starts
        self._forms = Texts(folded_groups)
        self._data = self._forms.data.data
        self._ends = self._forms.ends
        self._kept: list[str] | None = None
        self._places: dict[str, int] | None = None

    @classmethod
    def of(cls, texts: pa.StringArray) -> tuple[SortedDictionary, NDArray[np.int64]]:
        """The dictionary of distinct `texts`, and the code that each was given."""
        folded = fold_all(texts)
        if folded is texts:
            order = pc.array_sort_indices(texts)
            exact = texts.take(order)
            dictionary = cls(exact, exact, None)
        else:
            table = pa.table({"folded": folded, "exact": texts})
            order = pc.sort_indices(table, sort_keys=[("folded", "ascending"), ("exact", "ascending")])
            dictionary = cls._grouped(texts.take(order), folded.take(order))
        codes = np.empty(len(texts), np.int64)
        codes[order.to_numpy()] = np.arange(len(texts))
        return dictionary, codes

    @classmethod
    def _grouped(cls, exact: pa.StringArray, folded: pa.StringArray) -> SortedDictionary:
        changes = pc.not_equal(folded[1:], folded[:-1]).to_numpy(zero_copy_only=False)
        first = np.flatnonzero(np.append(True, changes))
        if len(first) == len(exact):
            return cls(exact, folded, None)
        return cls(exact, folded.take(pa.array(first)), np.append(first, len(exact)).astype(np.int32))

    def __len__(self) -> int:
        return len(self.exact)

    @property
    def group_count(self) -> int:
        return len(self.folded_groups)

    def folded(self) -> list[str]:
        forms: list[str] = self.folded_groups.take(pa.array(self.groups)).to_pylist()
        return forms

    @property
    def groups(self) -> NDArray[np.int64]:
        if self.starts is None:
            return np.arange(len(self.exact))
        return np.repeat(np.arange(self.group_count), np.diff(self.starts))

    def group_of(self, folded: str) -> int | None:
        if self._places is not None:
            return self._places.get(folded)
        if self.group_count <= KEPT_TEXTS:
            self._places = {text: place for place, text in enumerate(self.folded_groups.to_pylist())}
            return self._places.get(folded)
        key = folded.encode()
        place = self._first_from(key)
        return place if place < self.group_count and self._text(place) == key else None

    def groups_of(self, values: Sequence[object]) -> list[int]:
        """The groups of folded texts that there are, each once."""
        found = [self.group_of(str(value)) for value in values]
        return [group for group in (found if len(found) == 1 else dict.fromkeys(found)) if group is not None]

    def _text(self, place: int) -> bytes:
        return bytes(self._data[self._ends[place] : self._ends[place + 1]])

    def _first_from(self, key: bytes) -> int:
        """The first group whose form is not below `key`: bytes of UTF-8 sort as code points do."""
        low, high = 0, self.group_count
        while low < high:
            middle = (low + high) // 2
            if self._text(middle) < key:
                low = middle + 1
            else:
                high = middle
        return low

    def select_groups(self, predicate: ColumnPredicate) -> NDArray[np.int64] | None:
        """Groups that satisfy `predicate`, ascending; None when texts of one group may differ about it."""
        match predicate:
            case OneOf(values) | HasAny(values):
                found = {group for value in values if (group := self.group_of(str(value))) is not None}
                return np.array(sorted(found), np.int64)
            case StartsWith(text):
                key = text.encode()
                return np.arange(self._first_from(key), self._first_from(key + AFTER))
            case ExactlyOneOf(values) if self.starts is None:
                return self.codes_exactly(values)
            case ExactlyOneOf() | Matches() if self.starts is not None:
                return None
            case Contains(text):
                return self._forms.containing(text)
            case EndsWith(text):
                return self._forms.ending(text)
            case Like(pattern):
                return _tried(predicate, self._having(of_like(pattern)), self.folded_groups)
            case Matches():
                return self._codes_matching(predicate)
            case _:
                return np.flatnonzero(text_mask(predicate, self.folded_groups, self.exact))

    def _having(self, literals: Literals) -> NDArray[np.int64]:
        """Groups whose forms begin with a literal and have one inside."""
        key = literals.start.encode()
        first, last = self._first_from(key), self._first_from(key + AFTER)
        return self._forms.containing(literals.inside, first, last) if literals.inside else np.arange(first, last)

    def _codes_matching(self, predicate: Matches) -> NDArray[np.int64]:
        """The codes of texts that match as written."""
        groups = self._having(of_regex(predicate.pattern))
        codes = groups if self.starts is None else spans(self.starts[groups], self.starts[groups + 1])
        return _tried(predicate, codes, self.exact)

    def codes_exactly(self, values: tuple[str, ...]) -> NDArray[np.int64]:
        """The codes of `values` as written, ascending."""
        return np.array(
            sorted(
                {code for value in values for code in self._codes_alike(value) if self.exact[code].as_py() == value}
            ),
            np.int64,
        )

    def _codes_alike(self, text: str) -> range:
        """The codes of texts that fold as `text` does."""
        group = self.group_of(fold(text))
        if group is None:
            return range(0)
        return range(group, group + 1) if self.starts is None else range(self.starts[group], self.starts[group + 1])

    @staticmethod
    def ranged(predicate: ColumnPredicate) -> bool:
        """Whether `select_groups` is a binary search, whatever the size of the dictionary."""
        return isinstance(predicate, OneOf | HasAny | StartsWith)

    def select(self, predicate: ColumnPredicate) -> Mask:
        if isinstance(predicate, ExactlyOneOf):
            codes = np.zeros(len(self.exact), np.bool_)
            codes[self.codes_exactly(predicate.values)] = True
            return codes
        if isinstance(predicate, Matches):
            codes = np.zeros(len(self.exact), np.bool_)
            codes[self._codes_matching(predicate)] = True
            return codes
        groups = self.select_groups(predicate)
        assert groups is not None, "of what is compared folded, a group answers as one"
        mask = np.zeros(self.group_count, np.bool_)
        mask[groups] = True
        return mask if self.starts is None else np.repeat(mask, np.diff(self.starts))

    def text(self, code: int) -> str:
        text: str = self.exact[code].as_py() if len(self.exact) > KEPT_TEXTS else self.kept[code]
        return text

    @property
    def kept(self) -> list[str]:
        if self._kept is None:
            self._kept = self.exact.to_pylist()
        return self._kept

    def texts(self, codes: NDArray[Any]) -> list[str | None]:
        if len(self.exact) > KEPT_TEXTS:
            return texts_of(self.exact, codes)
        kept = self.kept
        return [kept[code] if code >= 0 else None for code in codes.tolist()]

    def arrays(self) -> dict[str, Array]:
        arrays: dict[str, Array] = {"exact": self.exact}
        if self.folded_groups is not self.exact:
            arrays["folded"] = self.folded_groups
        if self.starts is not None:
            arrays["group_starts"] = self.starts
        return arrays

    @classmethod
    def opened(cls, arrays: dict[str, Array]) -> SortedDictionary:
        exact = arrays["exact"]
        return cls(exact, arrays.get("folded", exact), arrays.get("group_starts"))


def _tried(predicate: ColumnPredicate, places: NDArray[np.int64], texts: pa.StringArray) -> NDArray[np.int64]:
    """Those of `places`, ascending, whose texts satisfy `predicate`, which asks of them alone."""
    if len(places) and int(places[-1]) - int(places[0]) == len(places) - 1:
        some = texts[int(places[0]) : int(places[-1]) + 1]
    else:
        some = texts.take(pa.array(places))
    return places[text_mask(predicate, some, some)]


def texts_of(exact: pa.StringArray, codes: NDArray[Any]) -> list[str | None]:
    """The texts of `codes`; None for negative ones."""
    taken: list[str | None] = exact.take(pa.array(codes, mask=codes < 0)).to_pylist()
    return taken


class ArrowDictionary:
    """Distinct texts in any order: those of values on their way from one column to another."""

    __slots__ = ("exact",)

    def __init__(self, exact: pa.StringArray) -> None:
        self.exact = exact

    def __len__(self) -> int:
        return len(self.exact)

    def select(self, predicate: ColumnPredicate) -> Mask:
        return text_mask(predicate, fold_all(self.exact), self.exact)

    def text(self, code: int) -> str:
        text: str = self.exact[code].as_py()
        return text

    def texts(self, codes: NDArray[Any]) -> list[str | None]:
        return texts_of(self.exact, codes)

    def folded(self) -> list[str]:
        forms: list[str] = fold_all(self.exact).to_pylist()
        return forms

    @property
    def groups(self) -> NDArray[np.int64]:
        indices: NDArray[np.int64] = fold_all(self.exact).dictionary_encode().indices.to_numpy().astype(np.int64)
        return indices
