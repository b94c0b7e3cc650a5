"""Ids of entities: rows are allotted in order, and a row's id is never given to another row while it lives."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyroaring import BitMap

from dsl.schema import Field, type_of_value
from dsl.typed import ExactlyOneOf, IsSet
from engine.bitmaps import Mask, Rows, from_rows, to_array, to_mask
from engine.reading import ColumnPredicate
from engine.tables.buffers import Buffer
from engine.tables.columns import Numbers, scan
from engine.tables.texts import fold_all, in_steps, strings, strings_of_many, text_mask
from storage import BlockRef

Places = NDArray[np.int64]


def no_ids() -> SealedIds:
    return SealedIds(strings([]), np.zeros(0, np.uint64))


def fingerprints_of(ids: Iterable[str]) -> NDArray[np.uint64]:
    """`dsl.draw.fingerprint` of every id."""
    return np.frombuffer(b"".join([blake2b(id.encode(), digest_size=8).digest() for id in ids]), "<u8")


HASHED_WORTH = 4
"""Arrow hashes all ids to look up many at once, when they are at least one for so many rows."""

RECENT_LEAST = 1 << 16
RECENT_SHARE = 4
"""Ids are sealed when there are so many new ones, and one for so many sealed ones: the dictionary of the new ones
stays small, since growing a large one stops every other thread."""


class SealedIds:
    """Ids of the first rows, "" for those erased before they were sealed; `ref` is the block they were saved in.

    A row is found by its fingerprint, among `_keys`, which ascend: a dictionary would take a second to fill for a few
    million contacts, at each start, and a hundred bytes for each.
    """

    __slots__ = ("_keys", "_rows", "fingerprints", "ref", "texts")

    def __init__(self, texts: pa.StringArray, fingerprints: NDArray[np.uint64], ref: BlockRef | None = None) -> None:
        self.texts = texts
        self.fingerprints = fingerprints
        self.ref = ref
        order = np.argsort(fingerprints)
        self._rows = order.astype(np.uint32)
        self._keys = fingerprints[order]

    def find(self, ids: Sequence[str], prints: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The row of each id, given its fingerprint; -1 for unknown ones."""
        found = np.full(len(ids), -1, np.int64)
        place = np.searchsorted(self._keys, prints)
        left = self._alike(np.arange(len(ids)), place, prints)
        while len(left):
            rows = self._rows[place[left]]
            texts = self.texts.take(pa.array(rows)).to_pylist()
            same = np.array([text == ids[at] for text, at in zip(texts, left.tolist(), strict=True)], np.bool_)
            found[left[same]] = rows[same]
            left = left[~same]
            place[left] += 1  # another id has the same fingerprint: the next place may be this one's
            left = self._alike(left, place, prints)
        return found

    def _alike(self, left: Places, place: Places, prints: NDArray[np.uint64]) -> Places:
        """Those of `left` whose place holds their fingerprint."""
        left = left[place[left] < len(self._keys)]
        alike: Places = left[self._keys[place[left]] == prints[left]]
        return alike


@dataclass(frozen=True, slots=True)
class _Held:
    """All ids: the sealed ones and those after them, with the rows of the latter. `gone` are rows erased since."""

    sealed: SealedIds
    tail: list[str] = field(default_factory=list)
    recent: dict[str, int] = field(default_factory=dict)
    gone: set[int] = field(default_factory=set)

    def find(self, ids: Sequence[str], prints: NDArray[np.uint64]) -> NDArray[np.int64]:
        """The rows of ids that are not recent; -1 for unknown and erased ones."""
        rows = self.sealed.find(ids, prints)
        if self.gone:
            rows[[at for at, row in enumerate(rows.tolist()) if row in self.gone]] = -1
        return rows


class IdTable:
    """Ids and rows, growing under a single writer. A version reads the first `size` rows.

    The id of an erased row is forgotten at once by `row_of`, and its text when the table is next sealed.
    """

    __slots__ = ("_held", "fingerprints", "size")

    def __init__(self, sealed: SealedIds) -> None:
        self._held = _Held(sealed)  # one attribute, so that readers see all of it change at once
        self.size = len(sealed.texts)
        self.fingerprints = Buffer(np.uint64)
        self.fingerprints.put(0, sealed.fingerprints)

    def row_of(self, id: str) -> int | None:
        row = int(self.rows_of([id])[0])
        return row if row >= 0 else None

    def rows_of(self, ids: Sequence[str]) -> NDArray[np.int64]:
        """The row of each id; -1 for unknown ones."""
        held = self._held
        rows = np.array([held.recent.get(id, -1) for id in ids], np.int64)
        others = np.flatnonzero(rows < 0)
        if len(others) and len(held.sealed.texts):
            asked = [ids[at] for at in others.tolist()]
            rows[others] = held.find(asked, fingerprints_of(asked))
        return rows

    def lookup(self, ids: pa.StringArray, size: int) -> Places:
        """The row below `size` of each id; -1 for unknown ones."""
        if len(ids) * HASHED_WORTH < size or self._held.gone:
            encoded = ids.dictionary_encode()
            distinct = [self.rows_of(some) for some in in_steps(encoded.dictionary)]
            rows: Places = np.concatenate([*distinct, np.zeros(0, np.int64)])[encoded.indices.to_numpy()]
        else:
            rows = pc.fill_null(pc.index_in(ids, self.arrow(size)), -1).to_numpy().astype(np.int64)
        rows[rows >= size] = -1
        return rows

    def allot(self, ids: Sequence[str]) -> list[int]:
        """The row of each id, unknown ones being given new rows in order."""
        held = self._held
        asked = [id for id in dict.fromkeys(ids) if id not in held.recent]
        prints = fingerprints_of(asked)
        rows = held.find(asked, prints)
        new = np.flatnonzero(rows < 0)
        rows[new] = np.arange(self.size, self.size + len(new))
        self._append([asked[at] for at in new.tolist()], prints[new])
        known = dict(zip(asked, rows.tolist(), strict=True))
        return [known[id] if id in known else held.recent[id] for id in ids]

    def allot_all(self, ids: pa.StringArray) -> Rows:
        """`allot` for any number of ids, in short steps."""
        rows = self.lookup(ids, self.size)
        unknown = np.flatnonzero(rows < 0)
        if len(unknown):
            encoded = ids.take(pa.array(unknown)).dictionary_encode()
            allotted = np.concatenate([np.array(self._allot_some(some)) for some in in_steps(encoded.dictionary)])
            rows[unknown] = allotted[encoded.indices.to_numpy()]
        found: Rows = rows.astype(np.uint32)
        return found

    def _allot_some(self, ids: list[str]) -> list[int]:
        if len(self._held.tail) > max(RECENT_LEAST, len(self._held.sealed.texts) // RECENT_SHARE):
            self.seal()
        return self.allot(ids)

    def _append(self, new: list[str], prints: NDArray[np.uint64]) -> None:
        if new:
            self.fingerprints.put(self.size, prints)
            self._held.tail.extend(new)
            self._held.recent.update(zip(new, range(self.size, self.size + len(new)), strict=True))
            self.size += len(new)

    def erase(self, row: int) -> None:
        self._held.gone.add(row)
        if row >= len(self._held.sealed.texts):
            self._held.recent.pop(self.text(row), None)

    def text(self, row: int) -> str:
        base, tail = self._held.sealed.texts, self._held.tail
        id: str = base[row].as_py() if row < len(base) else tail[row - len(base)]
        return id

    def texts(self, rows: Rows) -> list[str]:
        held = self._held
        base, tail = held.sealed.texts, held.tail
        sealed = rows < len(base)
        if sealed.all():
            ids: list[str] = base.take(pa.array(rows)).to_pylist()
            return ids
        first = len(base)
        return [tail[row - first] if row >= first else base[row].as_py() for row in rows.tolist()]

    def arrow(self, size: int) -> pa.StringArray:
        """The ids of the first `size` rows."""
        held = self._held
        base = held.sealed.texts
        if size <= len(base):
            return base[:size]
        return pa.concat_arrays([base, strings_of_many(held.tail, size - len(base))])

    @property
    def sealed(self) -> SealedIds:
        """The ids sealed last."""
        return self._held.sealed

    @property
    def unsealed(self) -> bool:
        """Whether there are new ids, or erased ones, since the ids were sealed last."""
        return bool(self._held.tail or self._held.gone)

    @property
    def erasing(self) -> bool:
        """Whether rows were erased since the ids were sealed last."""
        return bool(self._held.gone)

    def seal(self) -> None:
        """Move all ids into one array; those of erased rows become empty."""
        ids, prints = self.arrow(self.size), self.fingerprints.array[: self.size].copy()
        gone = sorted(self._held.gone)
        if gone:
            ids = pc.if_else(pa.array(to_mask(BitMap(gone), self.size)), "", ids)
            prints[gone] = 0
            self.fingerprints = Buffer(np.uint64)
            self.fingerprints.put(0, prints)
        self._held = _Held(SealedIds(ids, prints))


class IdColumn:
    """The ids of the living rows of one version, as a text column that is scanned."""

    __slots__ = ("alive", "field", "size", "table")

    def __init__(self, field: Field, table: IdTable, size: int, alive: BitMap) -> None:
        self.field = field
        self.table = table
        self.size = size
        self.alive = alive

    def matching(self, predicate: ColumnPredicate, within: BitMap | None = None) -> BitMap:
        living = self.alive if within is None else self.alive & within
        match predicate:
            case IsSet():
                return living
            case ExactlyOneOf(values):
                rows = [row for row in self.table.rows_of(values).tolist() if 0 <= row < self.size]
                return BitMap(rows) & living
            case _:
                return scan(self, predicate, living)

    def test(self, predicate: ColumnPredicate, rows: Rows | None) -> Mask:
        texts = self.table.arrow(self.size) if rows is None else strings(self.table.texts(rows))
        return text_mask(predicate, fold_all(texts), texts)

    @property
    def searched(self) -> int:
        return self.size

    def estimate(self, predicate: ColumnPredicate) -> int:
        return len(self.alive) if isinstance(predicate, IsSet) else 1

    def values(self, rows: Rows) -> list[type_of_value | None]:
        return list(self.table.texts(rows))

    def numbers(self, rows: Rows) -> Numbers:
        folded = fold_all(strings(self.table.texts(rows))).dictionary_encode()
        return folded.indices.to_numpy().astype(np.int64), np.ones(len(rows), np.bool_)

    def counts(self, within: BitMap) -> Mapping[type_of_value, int]:
        return dict.fromkeys(self.table.texts(to_array(within & self.alive)), 1)


def rows_bitmap(rows: list[int]) -> BitMap:
    """The bitmap of rows given as a list."""
    return from_rows(np.array(rows, np.uint32))
