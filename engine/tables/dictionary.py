"""The dictionary of a tail: distinct texts in order of appearance, growing under a single writer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from dsl.folding import fold
from dsl.typed import HasAny, OneOf
from engine.bitmaps import Mask
from engine.reading import ColumnPredicate
from engine.tables.texts import strings, text_mask

MISSING_CODE = -1


class Dictionary(Protocol):
    """Distinct texts as written, numbered by their codes."""

    @property
    def exact(self) -> pa.StringArray: ...

    def __len__(self) -> int: ...

    def select(self, predicate: ColumnPredicate) -> Mask:
        """Which codes stand for a text that satisfies `predicate`."""

    def texts(self, codes: NDArray[Any]) -> list[str | None]:
        """The texts of `codes`; None for a missing one."""

    def text(self, code: int) -> str:
        """The text of a code that is not that of a missing one."""

    def folded(self) -> list[str]:
        """Every text folded, by code."""

    @property
    def groups(self) -> NDArray[np.int64]:
        """A number for each code, equal where the folded texts are equal."""


class GrowingDictionary:
    """Texts and their codes; `None` has the code of a missing value. Readers see it through a `Prefix`."""

    __slots__ = ("_arrow", "_by_fold", "_codes", "exact", "folded")

    def __init__(self) -> None:
        self.exact: list[str] = []
        self.folded: list[str] = []
        self._codes: dict[str | None, int] = {None: MISSING_CODE}
        self._by_fold: dict[str, tuple[int, ...]] = {}
        self._arrow: tuple[pa.StringArray, pa.StringArray] = (strings([]), strings([]))

    def encode(self, values: Sequence[str | None]) -> list[int]:
        """The codes of `values`, new texts being given the next ones."""
        known = self._codes
        try:
            return [known[value] for value in values]
        except KeyError:
            return [known[value] if value in known else self._add(value) for value in values]

    def _add(self, text: str | None) -> int:
        assert text is not None
        code = len(self.exact)
        folded = fold(text)
        self.exact.append(text)
        self.folded.append(folded)
        self._by_fold[folded] = (*self._by_fold.get(folded, ()), code)
        self._codes[text] = code
        return code

    def codes_of(self, folded: str) -> tuple[int, ...]:
        return self._by_fold.get(folded, ())

    def arrow(self, size: int) -> tuple[pa.StringArray, pa.StringArray]:
        """The first `size` texts, folded and exact. Kept for the next reader: texts are only ever added."""
        held = self._arrow
        if len(held[0]) < size:
            held = self._arrow = (strings(self.folded[:size]), strings(self.exact[:size]))
        return held[0][:size], held[1][:size]


class Prefix:
    """The first `size` texts of a growing dictionary: what one version sees of it."""

    __slots__ = ("_growing", "_size")

    def __init__(self, growing: GrowingDictionary, size: int) -> None:
        self._growing = growing
        self._size = size

    def __len__(self) -> int:
        return self._size

    @property
    def exact(self) -> pa.StringArray:
        return self._growing.arrow(self._size)[1]

    def select(self, predicate: ColumnPredicate) -> Mask:
        match predicate:
            case OneOf(values) | HasAny(values):
                return self._codes_mask([code for value in values for code in self._growing.codes_of(str(value))])
            case _:
                return text_mask(predicate, *self._growing.arrow(self._size))

    def _codes_mask(self, codes: list[int]) -> Mask:
        mask = np.zeros(self._size, np.bool_)
        mask[[code for code in codes if code < self._size]] = True
        return mask

    def texts(self, codes: NDArray[Any]) -> list[str | None]:
        exact = self._growing.exact
        return [exact[code] if code >= 0 else None for code in codes.tolist()]

    def text(self, code: int) -> str:
        return self._growing.exact[code]

    def folded(self) -> list[str]:
        return self._growing.folded[: self._size]

    @property
    def groups(self) -> NDArray[np.int64]:
        folded, codes_of = self._growing.folded, self._growing.codes_of
        return np.array([codes_of(folded[code])[0] for code in range(self._size)], np.int64)
