"""The floor: bitmaps combined and sorted numbers searched by hand, a program a query, nothing to parse or plan.

It has just what its programs need, laid out for them; it is no database, and knows few of the queries.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet
from pyroaring import BitMap

from bench.constants import Constants, Value
from bench.generate import DAY, NOW, NOW_MS, SHARES, Files
from bench.peers import Open
from bench.shapes import Ints
from bench.timing import timed
from bench.workload import Ask, Query

CHOSEN = ("country", "city", "language", "newsletter")
NUMBERS = ("age", "points", "signup")
EPOCH = date(1970, 1, 1)
NEVER = -1


@dataclass(frozen=True, slots=True)
class Known:
    """What programs read. Numbers and moments are sorted, and of those contacts alone that have one."""

    everyone: int
    rows: Mapping[str, Mapping[Value, BitMap]]
    numbers: Mapping[str, Ints]
    columns: Mapping[str, Ints]
    last: Mapping[str, Ints]
    first: Mapping[str, Ints]
    last_bought: Mapping[Value, Ints]
    clicked: Mapping[Value, BitMap]


Program = Callable[[Known, Constants], int]


# --- attributes and tags -----------------------------------------------------------------------------------


def one(known: Known, asked: Constants) -> int:
    return len(known.rows["country"][asked["country"]])


def two(known: Known, asked: Constants) -> int:
    return known.rows["country"][asked["country"]].intersection_cardinality(known.rows["language"][asked["language"]])


def three(known: Known, asked: Constants) -> int:
    countries = BitMap.union(*(known.rows["country"][asked[name]] for name in ("country", "country_2", "country_3")))
    countries &= known.rows["language"][asked["language"]]
    return countries.intersection_cardinality(known.rows["newsletter"][True])


def four(known: Known, asked: Constants) -> int:
    either = known.rows["country"][asked["country"]] | known.rows["language"][asked["language"]]
    either &= known.rows["newsletter"][True]
    return len(either) - either.intersection_cardinality(known.rows["city"][asked["city"]])


def interests(known: Known, asked: Constants) -> list[BitMap]:
    return [known.rows["interests"][value] for value in asked.values()]


def has(known: Known, asked: Constants) -> int:
    return len(*interests(known, asked))


def has_any(known: Known, asked: Constants) -> int:
    return len(BitMap.union(*interests(known, asked)))


def has_all(known: Known, asked: Constants) -> int:
    first, second = interests(known, asked)
    return first.intersection_cardinality(second)


def has_none(known: Known, asked: Constants) -> int:
    return known.everyone - has_any(known, asked)


# --- ranges and dates --------------------------------------------------------------------------------------


def above(known: Known, asked: Constants) -> int:
    return beyond(known.numbers["points"], whole(asked["points"]))


def between(known: Known, asked: Constants) -> int:
    return within(known.numbers["points"], whole(asked["points"]), whole(asked["points_2"]))


def two_ranges(known: Known, asked: Constants) -> int:
    age, points = known.columns["age"], known.columns["points"]
    least, most, top = (whole(asked[name]) for name in ("age", "age_2", "points"))
    chosen = (age >= least) & (age <= most) & (points <= top) & (points != NEVER)
    return int(np.count_nonzero(chosen))


def last_days(known: Known, asked: Constants) -> int:
    return beyond(known.numbers["signup"], day_number(NOW.date() - timedelta(whole(asked["days"]))))


def between_days(known: Known, asked: Constants) -> int:
    return within(known.numbers["signup"], day_number(asked["signup"]), day_number(asked["signup_2"]))


def beyond(numbers: Ints, least: int) -> int:
    return len(numbers) - int(np.searchsorted(numbers, least, side="right"))


def within(numbers: Ints, least: int, most: int) -> int:
    return int(np.searchsorted(numbers, most, side="right") - np.searchsorted(numbers, least))


def day_number(day: Value) -> int:
    assert isinstance(day, date)
    return (day - EPOCH).days


def whole(value: Value) -> int:
    assert isinstance(value, int)
    return value


# --- what contacts did -------------------------------------------------------------------------------------


def did(type: str) -> Program:
    return lambda known, asked: since(known.last[type], asked)


def did_with(known: Known, asked: Constants) -> int:
    return since(known.last_bought[asked["category"]], asked)


def clicked_on(known: Known, asked: Constants) -> int:
    return len(known.clicked[asked["campaign"]]) if asked["campaign"] in known.clicked else 0


def not_bought(known: Known, asked: Constants) -> int:
    return known.everyone - since(known.last["purchase"], asked)


def last_before(known: Known, asked: Constants) -> int:
    return len(known.last["open"]) - since(known.last["open"], asked)


def first_since(known: Known, asked: Constants) -> int:
    return since(known.first["purchase"], asked)


def since(moments: Ints, asked: Constants) -> int:
    """How many lie in the last days."""
    return len(moments) - int(np.searchsorted(moments, NOW_MS - whole(asked["days"]) * DAY))


BY_HAND: Mapping[tuple[str, str], Program] = {
    ("attributes", "one attribute"): one,
    ("attributes", "two attributes"): two,
    ("attributes", "three attributes"): three,
    ("attributes", "four attributes with or and not"): four,
    ("tags", "has"): has,
    ("tags", "has any of three"): has_any,
    ("tags", "has all of two"): has_all,
    ("tags", "has none of two"): has_none,
    ("ranges", "above"): above,
    ("ranges", "between"): between,
    ("ranges", "two ranges"): two_ranges,
    ("dates", "last days"): last_days,
    ("dates", "between two days"): between_days,
    ("windows", "did"): did("open"),
    ("windows", "did anything"): did("any"),
    ("windows", "did with a property"): did_with,
    ("windows", "clicked on a campaign"): clicked_on,
    ("zero", "exactly 0 times"): not_bought,
    ("first_last", "last before"): last_before,
    ("first_last", "first in the last days"): first_since,
}
"""By family and name of the query."""


class Floor:
    def __init__(self, known: Known, loading_seconds: float) -> None:
        self._known = known
        self.loading_seconds = loading_seconds

    @classmethod
    def open(cls, files: Files, folder: Path) -> Floor:
        """Loaded anew, as it is in memory alone."""
        seconds, known = timed(partial(loaded, files))
        return cls(known, seconds)

    @property
    def version(self) -> str:
        return f"pyroaring {version('pyroaring')}, numpy {np.__version__}"

    def knows(self, query: Query) -> bool:
        return (query.family, query.name) in BY_HAND

    def limit(self, seconds: float) -> None:
        """Nothing takes long."""

    def count(self, ask: Ask) -> int:
        return BY_HAND[ask.query.family, ask.query.name](self._known, ask.constants)

    def close(self) -> None:
        """Nothing is held."""


# --- loading -----------------------------------------------------------------------------------------------


def loaded(files: Files) -> Known:
    contacts = pa.parquet.read_table(files.contacts, columns=[*CHOSEN, *NUMBERS, "interests"]).combine_chunks()
    everyone = len(contacts)
    tags = contacts["interests"].combine_chunks()
    owners, interests = pc.list_parent_indices(tags).to_numpy(), pc.list_flatten(tags)
    columns = {name: numbers(contacts[name]) for name in NUMBERS}
    last = {type: turned(files, type, everyone, latest=True) for type in SHARES}
    any_last = np.maximum.reduce(list(last.values()))
    return Known(
        everyone=everyone,
        rows={name: bitmaps(contacts[name], np.arange(everyone)) for name in CHOSEN}
        | {"interests": bitmaps(interests, owners)},
        numbers={name: ordered(column) for name, column in columns.items()},
        columns=columns,
        last={type: ordered(moments) for type, moments in (last | {"any": any_last}).items()},
        first={"purchase": ordered(turned(files, "purchase", everyone, latest=False))},
        last_bought=last_bought(files, everyone),
        clicked=clicks(files),
    )


def numbers(column: pa.ChunkedArray) -> Ints:
    """A number for each contact; `NEVER` where there is none."""
    plain = column.cast(pa.int32()) if pa.types.is_date(column.type) else column
    return np.asarray(plain.fill_null(NEVER).to_numpy().astype(np.int32))


def ordered(values: Ints) -> Ints:
    """Sorted, of 64 bits as what is searched for: numpy would convert them all otherwise."""
    return np.sort(values[values != NEVER].astype(np.int64))


def events(files: Files, type: str, *properties: str) -> Iterator[tuple[Ints, Ints, Sequence[pa.Array]]]:
    """Contact, moment and properties of events, some at a time."""
    for batch in pa.parquet.ParquetFile(files.events(type)).iter_batches(columns=["contact", "at", *properties]):
        contact = pc.utf8_slice_codeunits(batch["contact"], 1).cast(pa.int32()).to_numpy()
        yield contact, batch["at"].cast(pa.int64()).to_numpy(), [batch[name] for name in properties]


def turned(files: Files, type: str, everyone: int, *, latest: bool) -> Ints:
    """The last moment, or the first, of each contact's events; `NEVER` where there is none."""
    found = np.full(everyone, NEVER, np.int64)
    for contact, at, _ in events(files, type):
        if latest:
            found[contact] = at  # in order of time: the last one stays
        else:
            unseen = found[contact[::-1]] == NEVER
            found[contact[::-1][unseen]] = at[::-1][unseen]
    return found


def last_bought(files: Files, everyone: int) -> Mapping[Value, Ints]:
    found: dict[Value, Ints] = {}
    for contact, at, (category,) in events(files, "purchase", "category"):
        for value in category.unique().drop_null().to_pylist():
            chosen = pc.equal(category, value).fill_null(False).to_numpy(zero_copy_only=False)
            found.setdefault(value, np.full(everyone, NEVER, np.int64))[contact[chosen]] = at[chosen]
    return {value: ordered(moments) for value, moments in found.items()}


def clicks(files: Files) -> Mapping[Value, BitMap]:
    found: dict[Value, BitMap] = {}
    for contact, _, (campaign,) in events(files, "click", "campaign"):
        for value, rows in bitmaps(campaign, contact).items():
            found[value] = found[value] | rows if value in found else rows
    return found


def bitmaps(column: pa.Array | pa.ChunkedArray, rows: Ints) -> Mapping[Value, BitMap]:
    """The rows of each value, run-optimised as those of Tamis are."""
    whole = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
    encoded = whole.dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    order = np.argsort(codes, kind="stable")
    edges = np.searchsorted(codes[order], np.arange(len(encoded.dictionary) + 1))
    found = {
        value: BitMap(rows[order[edges[code] : edges[code + 1]]])
        for code, value in enumerate(encoded.dictionary.to_pylist())
    }
    for each in found.values():
        each.run_optimize()
    return found


start: Open = Floor.open
