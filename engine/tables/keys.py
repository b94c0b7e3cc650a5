"""Columns of event ids: a text for each row, nearly all different, so that a dictionary would only cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from pyroaring import BitMap

from dsl.schema import EVENT_SYSTEM_FIELDS, Field, type_of_value
from dsl.typed import IsSet
from engine.bitmaps import Mask, Rows, below, to_array
from engine.reading import ColumnPredicate
from engine.tables.columns import Numbers, Plain, scan
from engine.tables.texts import fold_all, mask_of, strings, text_mask
from storage import Array, BlockRef


def is_key(field: Field) -> bool:
    """Whether `field` is the id of events."""
    return field.name == EVENT_SYSTEM_FIELDS["id"].name


class Keys(Plain):
    """Texts in an Arrow array, null where missing; tested by scanning."""

    __slots__ = ("field", "ref", "texts")

    def __init__(self, field: Field, texts: pa.StringArray) -> None:
        self.field = field
        self.texts = texts
        self.ref: BlockRef | None = None

    @property
    def size(self) -> int:
        return len(self.texts)

    def test(self, predicate: ColumnPredicate, rows: Rows | None) -> Mask:
        texts = self.texts if rows is None else self.texts.take(pa.array(rows))
        there = mask_of(texts.is_valid())
        if isinstance(predicate, IsSet):
            return there
        texts = texts.fill_null("")
        return text_mask(predicate, fold_all(texts), texts) & there

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        return scan(self, predicate, within)

    @property
    def searched(self) -> int:
        return self.size

    def estimate(self, predicate: ColumnPredicate) -> int:
        return self.size - self.texts.null_count if isinstance(predicate, IsSet) else 1

    def values(self, rows: Rows) -> list[type_of_value | None]:
        texts: list[type_of_value | None] = self.texts.take(pa.array(rows)).to_pylist()
        return texts

    def value(self, row: int) -> type_of_value | None:
        return self.values(np.array([row], np.uint32))[0]

    def numbers(self, rows: Rows) -> Numbers:
        texts = self.texts.take(pa.array(rows))
        codes = fold_all(texts.fill_null("")).dictionary_encode().indices
        return codes.to_numpy().astype(np.int64), mask_of(texts.is_valid())

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]:
        return Counter(text for text in self.values(to_array(below(within, self.size))) if text is not None)

    def taken(self, rows: Any) -> Keys:
        """The texts of `rows`, in that order; -1 stands for a missing one."""
        return Keys(self.field, self.texts.take(pa.array(rows, mask=rows < 0)))

    def arrays(self) -> dict[str, Array]:
        return {"texts": self.texts}


class KeysTail:
    """Ids as they come: a plain list, of which a view takes the first ones."""

    __slots__ = ("end", "texts")

    def __init__(self) -> None:
        self.texts: list[str | None] = []
        self.end = 0

    def put(self, start: int, values: Sequence[Any]) -> None:
        self.texts.extend([None] * (start - self.end))
        self.texts.extend(values)
        self.end = start + len(values)

    def view(self, field: Field, size: int) -> Keys:
        texts = self.texts[:size]
        return Keys(field, strings(texts + [None] * (size - len(texts))))


def no_keys(field: Field, size: int) -> Keys:
    """A column of `size` missing ids."""
    return Keys(field, pa.nulls(size, pa.string()))


def joined_keys(field: Field, columns: Sequence[Keys]) -> Keys:
    """The texts of `columns`, one column after the other."""
    return Keys(field, pa.concat_arrays([column.texts for column in columns]))
