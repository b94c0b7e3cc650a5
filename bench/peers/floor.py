"""The floor: the attributes' bitmaps combined by hand, with nothing to parse, check or plan."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet
from pyroaring import BitMap

from bench.constants import Constants, Value
from bench.generate import Files
from bench.workload import Ask, Query

FIELDS = ("country", "city", "language", "newsletter")
Bitmaps = Mapping[str, Mapping[Value, BitMap]]


def one(rows: Bitmaps, asked: Constants) -> int:
    return len(rows["country"][asked["country"]])


def two(rows: Bitmaps, asked: Constants) -> int:
    return rows["country"][asked["country"]].intersection_cardinality(rows["language"][asked["language"]])


def three(rows: Bitmaps, asked: Constants) -> int:
    countries = BitMap.union(*(rows["country"][asked[name]] for name in ("country", "country_2", "country_3")))
    countries &= rows["language"][asked["language"]]
    return countries.intersection_cardinality(rows["newsletter"][True])


def four(rows: Bitmaps, asked: Constants) -> int:
    either = rows["country"][asked["country"]] | rows["language"][asked["language"]]
    either &= rows["newsletter"][True]
    return len(either) - either.intersection_cardinality(rows["city"][asked["city"]])


BY_HAND: Mapping[tuple[str, str], Callable[[Bitmaps, Constants], int]] = {
    ("attributes", "one attribute"): one,
    ("attributes", "two attributes"): two,
    ("attributes", "three attributes"): three,
    ("attributes", "four attributes with or and not"): four,
}
"""By family and name of the query."""


class Floor:
    def __init__(self, rows: Bitmaps) -> None:
        self._rows = rows

    @classmethod
    def open(cls, files: Files, folder: Path) -> Floor:
        contacts = pa.parquet.read_table(files.contacts, columns=list(FIELDS))
        return cls({name: bitmaps(contacts[name].combine_chunks()) for name in FIELDS})

    @property
    def version(self) -> str:
        return f"pyroaring {version('pyroaring')}"

    def knows(self, query: Query) -> bool:
        return (query.family, query.name) in BY_HAND

    def limit(self, seconds: float) -> None:
        """Nothing takes long."""

    def count(self, ask: Ask) -> int:
        return BY_HAND[ask.query.family, ask.query.name](self._rows, ask.constants)

    def close(self) -> None:
        """Nothing is held."""


def bitmaps(column: pa.Array) -> Mapping[Value, BitMap]:
    """The rows of each value, run-optimised as those of Tamis are."""
    encoded = column.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    rows = {value: BitMap(np.flatnonzero(codes == code)) for code, value in enumerate(encoded.dictionary.to_pylist())}
    for each in rows.values():
        each.run_optimize()
    return rows
