"""The generated data: companies, contacts and events of 5 types, the same bytes for the same size and seed.

Shapes are those of a mailing list with a shop: countries, cities, companies, campaigns and products follow Zipf's law,
activity follows Pareto's, opens follow sends and clicks follow opens by hours, purchases favour those who have points,
and every field misses some values. Moments end at `NOW`, more of them recent than old.

Contacts are drawn a chunk at a time, and events a slice of the history at a time, each from random numbers of its own,
so that no size needs much memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet
from numpy.random import Generator, default_rng

from bench import words
from bench.moments import Due, Moments, Waiting, in_order
from bench.shapes import Floats, Ints, cumulated, days, decimals, drawn_by, ids, tags, texts, where, zipf

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
TODAY = NOW_MS // 86_400_000
DAY = 86_400_000
HOUR = 3_600_000
HISTORY_DAYS = 730
FIRST_MS = NOW_MS - HISTORY_DAYS * DAY
ROWS_A_CHUNK = 1 << 20
EVENTS_A_SLICE = 1 << 24
CONTACTS_A_COMPANY = 25


class Size(Enum):
    """Contacts and events of each size; a company for every 25 contacts."""

    T = (2_000, 40_000)
    S = (100_000, 2_000_000)
    M = (600_000, 12_000_000)
    L = (1_000_000, 50_000_000)
    XL = (10_000_000, 100_000_000)

    @property
    def contacts(self) -> int:
        return int(self.value[0])

    @property
    def events(self) -> int:
        return int(self.value[1])

    @property
    def companies(self) -> int:
        return self.contacts // CONTACTS_A_COMPANY


SHARES = {"send": 0.45, "open": 0.22, "click": 0.06, "visit": 0.22, "purchase": 0.05}
"""What part of all events each type has."""

SCHEMA: dict[str, Any] = {
    "timezone": "UTC",
    "contacts": {
        "country": {"type": "text"},
        "city": {"type": "text"},
        "email": {"type": "text"},
        "language": {"type": "text"},
        "age": {"type": "number", "decimals": 0},
        "points": {"type": "number", "decimals": 0},
        "signup": {"type": "date"},
        "newsletter": {"type": "boolean"},
        "interests": {"type": "tags"},
    },
    "companies": {
        "name": {"type": "text"},
        "sector": {"type": "choice", "options": words.SECTORS},
        "size": {"type": "number", "decimals": 0},
        "country": {"type": "text"},
        "founded": {"type": "date"},
    },
    "events": {
        "send": {"campaign": {"type": "text"}},
        "open": {"campaign": {"type": "text"}},
        "click": {"campaign": {"type": "text"}, "url": {"type": "text"}},
        "visit": {"url": {"type": "text"}},
        "purchase": {
            "product": {"type": "text"},
            "category": {"type": "text"},
            "amount": {"type": "number", "decimals": 2},
        },
    },
}
"""What the files hold, as a schema patch."""


@dataclass(frozen=True, slots=True)
class Files:
    """Where the generated files of one size and seed lie."""

    folder: Path

    @property
    def companies(self) -> Path:
        return self.of("companies")

    @property
    def contacts(self) -> Path:
        return self.of("contacts")

    @property
    def contacts_csv(self) -> Path:
        return self.folder / "contacts.csv"

    def events(self, type: str) -> Path:
        return self.of(type)

    def of(self, table: str) -> Path:
        """That of companies, contacts, or the events of a type."""
        return self.folder / f"{table}.parquet"

    @property
    def complete(self) -> Path:
        return self.folder / "complete"


def generate(size: Size, out: Path, seed: int = 1) -> Files:
    """The files of a size and seed under `out`, written unless they are already there."""
    files = Files(out / f"{size.name}-{seed}")
    if files.complete.exists():
        return files
    files.folder.mkdir(parents=True, exist_ok=True)
    pa.parquet.write_table(companies(size.companies, default_rng([seed, 200])), files.companies)
    leanings = write_contacts(size, files, seed)
    write_events(size, files, leanings, seed)
    files.complete.touch()
    return files


# --- companies and contacts --------------------------------------------------------------------------------


def company_ids(numbers: Ints) -> pa.Array:
    return ids("k", numbers, 7)


def companies(count: int, rng: Generator) -> pa.Table:
    """One row a company, the one with the most contacts first; the first ones are larger."""
    name = texts([word.capitalize() for word in words.LAST_NAMES], zipf(rng, len(words.LAST_NAMES), count, 0.5))
    form = texts(words.FORMS, zipf(rng, len(words.FORMS), count, 0.5))
    numbers = np.arange(count)
    founded = TODAY - 30 - (rng.beta(1.0, 3.0, count) * 36_500).astype(np.int64)
    size = 1 + (rng.pareto(1.1, count) * (5 + 2_000 / np.sqrt(numbers + 1))).astype(np.int64)
    return pa.table(
        {
            "id": company_ids(numbers),
            "name": pc.binary_join_element_wise(name, form, pa.array(numbers).cast(pa.string()), " "),
            "sector": texts(words.SECTORS, zipf(rng, len(words.SECTORS), count, 0.8), rng.random(count) < 0.04),
            "size": pa.array(np.minimum(size, 500_000), mask=rng.random(count) < 0.1),
            "country": texts(words.COUNTRIES, zipf(rng, len(words.COUNTRIES), count, 1.0), rng.random(count) < 0.02),
            "founded": days(founded, rng.random(count) < 0.15),
        }
    )


def contact_ids(numbers: Ints) -> pa.Array:
    return ids("c", numbers, 8)


@dataclass(frozen=True, slots=True)
class Leanings:
    """What events are drawn by: the cumulated weights of contacts as visitors, as readers and as buyers."""

    visiting: Floats
    reading: Floats
    buying: Floats


def write_contacts(size: Size, files: Files, seed: int) -> Leanings:
    """Both files of contacts, chunk by chunk."""
    reached, points = np.empty(size.contacts, bool), np.empty(size.contacts, np.int32)
    with ExitStack() as closing:
        parquet = csv = None
        for number, start in enumerate(range(0, size.contacts, ROWS_A_CHUNK)):
            rows = np.arange(start, min(start + ROWS_A_CHUNK, size.contacts))
            chunk = contacts(rows, size.companies, default_rng([seed, 0, number]))
            flat = with_tags_as_text(chunk)
            if parquet is None or csv is None:
                parquet = closing.enter_context(pa.parquet.ParquetWriter(files.contacts, chunk.schema))
                csv = closing.enter_context(pa.csv.CSVWriter(files.contacts_csv, flat.schema))
            parquet.write_table(chunk)
            csv.write_table(flat)
            reached[rows] = chunk["email"].is_valid().to_numpy()
            points[rows] = chunk["points"].fill_null(0).to_numpy()
    activity = default_rng([seed, 99]).pareto(1.5, size.contacts) + 0.02
    return Leanings(cumulated(activity), cumulated(activity * reached), cumulated(activity * (1 + np.log1p(points))))


def contacts(rows: Ints, companies: int, rng: Generator) -> pa.Table:
    """One row a contact; a third of them have no e-mail address or little else known about them."""
    count = len(rows)
    country = zipf(rng, len(words.COUNTRIES), count, 1.0)
    city = country * words.CITIES_A_COUNTRY + zipf(rng, words.CITIES_A_COUNTRY, count)
    foreign = rng.random(count) < 0.12
    language = np.where(foreign, zipf(rng, len(words.LANGUAGES), count), country % len(words.LANGUAGES))
    anonymous = rng.random(count) < 0.15
    signup = TODAY - 1 - (rng.beta(1.0, 1.6, count) * 1826).astype(np.int64)
    newsletter = rng.random(count) < np.where(anonymous, 0.05, 0.62)
    points = np.minimum((rng.pareto(1.2, count) * 15).astype(np.int64), 100_000)
    age = np.clip(rng.normal(30 + 2 * (country % 9), 14), 16, 95).astype(np.int64)
    return pa.table(
        {
            "id": contact_ids(rows),
            "country": texts(words.COUNTRIES, country, rng.random(count) < 0.03),
            "city": texts(words.cities(), city, rng.random(count) < 0.2),
            "email": where(~anonymous, emails(rows, rng)),
            "language": texts(words.LANGUAGES, language, anonymous & (rng.random(count) < 0.5)),
            "age": pa.array(age, mask=rng.random(count) < 0.3),
            "points": pa.array(points, mask=rng.random(count) < 0.1),
            "signup": days(signup),
            "newsletter": pa.array(newsletter, mask=rng.random(count) < 0.05),
            "interests": interests(rng, count),
            "company": where(rng.random(count) < 0.6, company_ids(zipf(rng, companies, count, 0.7))),
        }
    )


def emails(rows: Ints, rng: Generator) -> pa.Array:
    first = texts(words.FIRST_NAMES, zipf(rng, len(words.FIRST_NAMES), len(rows), 0.7))
    last = texts(words.LAST_NAMES, zipf(rng, len(words.LAST_NAMES), len(rows), 0.7))
    domain = texts([f"@{domain}" for domain in words.DOMAINS], zipf(rng, len(words.DOMAINS), len(rows)))
    return pc.binary_join_element_wise(first, last, pa.array(rows).cast(pa.string()), domain, "")


def interests(rng: Generator, count: int) -> pa.Array:
    """0 to 5 different ones; about a third of the contacts have none."""
    lengths = np.minimum(rng.geometric(0.45, count), 5) * (rng.random(count) < 0.65)
    return tags(zipf(rng, len(words.INTERESTS), count * 5, 0.9).reshape(count, 5), lengths, words.INTERESTS)


def with_tags_as_text(table: pa.Table) -> pa.Table:
    """CSV has no lists: interests become one text, joined by `|`."""
    joined = pc.binary_join(table["interests"], "|")
    return table.set_column(table.schema.get_field_index("interests"), "interests", joined)


# --- events ------------------------------------------------------------------------------------------------


class Campaigns:
    """Campaigns go out on their own days, over three hours; a few of them to very many contacts."""

    def __init__(self, rng: Generator, sends: int) -> None:
        count = len(words.CAMPAIGNS)
        self.starts = np.sort(moments(rng, count, 0, 1))
        weights = rng.permutation(1 / np.arange(1, count + 1) ** 0.6)
        self.sends = rng.multinomial(sends, weights / weights.sum())

    def sent(self, rng: Generator, reading: Floats, start: int, end: int) -> Moments:
        """All sends of the campaigns that begin from `start` and before `end`."""
        begun = np.flatnonzero((self.starts >= start) & (self.starts < end))
        campaign = np.repeat(begun, self.sends[begun])
        at = np.minimum(self.starts[campaign] + rng.integers(0, 3 * HOUR, len(campaign)), NOW_MS - 1)
        return in_order(drawn_by(rng, reading, len(campaign)), at, campaign.astype(np.int16))


def moments(rng: Generator, count: int, part: int, parts: int) -> Ints:
    """In a part of the history: of parts that hold as many events each, the recent ones are shorter."""
    return np.asarray(np.minimum(FIRST_MS + _since((part + rng.random(count)) / parts), NOW_MS - 1))


def _since(share: Floats) -> Ints:
    """Milliseconds from the beginning in which a share of all events happens: there are ever more of them."""
    return np.asarray((np.sqrt(share) * HISTORY_DAYS * DAY).astype(np.int64))


def event_slices(size: Size, leanings: Leanings, seed: int) -> Iterator[tuple[str, Moments, Generator]]:
    """(type, some events of it, what their properties are drawn by), of each type in order of time.

    Opens are drawn from sends, clicks from opens.
    """
    counts = {type: int(size.events * share) for type, share in SHARES.items()}
    parts = -(-size.events // EVENTS_A_SLICE)
    campaigns = Campaigns(default_rng([seed, 98]), counts["send"])
    waiting = {type: Waiting() for type in SHARES}
    opened, clicked = Due(counts["open"], counts["send"]), Due(counts["click"], counts["open"])
    visited, bought = Due(counts["visit"], parts), Due(counts["purchase"], parts)
    ends = FIRST_MS + _since(np.arange(parts + 1) / parts)
    for part, (start, end) in enumerate(zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True)):
        rngs = {type: default_rng([seed, 1 + number, part]) for number, type in enumerate(SHARES)}
        sends = waiting["send"].until(end, campaigns.sent(rngs["send"], leanings.reading, start, end))
        opens = waiting["open"].until(end, sends.followed(rngs["open"], opened.after(len(sends)), 9 * HOUR, NOW_MS))
        clicks = waiting["click"].until(
            end, opens.followed(rngs["click"], clicked.after(len(opens)), 0.3 * HOUR, NOW_MS)
        )
        visits = in_order(*drawn(rngs["visit"], leanings.visiting, visited.after(1), part, parts))
        purchases = in_order(*drawn(rngs["purchase"], leanings.buying, bought.after(1), part, parts))
        for type, each in zip(SHARES, (sends, opens, clicks, visits, purchases), strict=True):
            yield type, each, rngs[type]


def drawn(rng: Generator, weights: Floats, count: int, part: int, parts: int) -> tuple[Ints, Ints, Ints]:
    """Contact, moment and no subject of events that nothing causes."""
    return drawn_by(rng, weights, count), moments(rng, count, part, parts), np.zeros(count, np.int16)


def write_events(size: Size, files: Files, leanings: Leanings, seed: int) -> None:
    """A file for each type, ordered by time."""
    with ExitStack() as closing:
        writers: dict[str, pa.parquet.ParquetWriter] = {}
        for type, some, rng in event_slices(size, leanings, seed):
            table = event_table(type, some, rng)
            if type not in writers:
                writers[type] = closing.enter_context(pa.parquet.ParquetWriter(files.events(type), table.schema))
            writers[type].write_table(table, row_group_size=ROWS_A_CHUNK)


def event_table(type: str, some: Moments, rng: Generator) -> pa.Table:
    at = pa.array(some.at).cast(pa.timestamp("ms", "UTC"))
    return pa.table({"contact": contact_ids(some.contact), "at": at, **properties(type, some, rng)})


def properties(type: str, some: Moments, rng: Generator) -> dict[str, pa.Array]:
    match type:
        case "send" | "open":
            return {"campaign": texts(words.CAMPAIGNS, some.subject)}
        case "click":
            return {"campaign": texts(words.CAMPAIGNS, some.subject), "url": urls(rng, len(some))}
        case "visit":
            return {"url": urls(rng, len(some))}
        case "purchase":
            return goods(rng, len(some))
        case _:
            raise ValueError(f"no event type {type}")


def urls(rng: Generator, count: int) -> pa.Array:
    return texts(words.urls(), zipf(rng, len(words.urls()), count, 0.9), rng.random(count) < 0.01)


def goods(rng: Generator, count: int) -> dict[str, pa.Array]:
    """Products belong to one category each, and have a price that most sales keep to."""
    product = zipf(rng, len(words.PRODUCTS), count, 0.8)
    category = product % len(words.CATEGORIES)
    price = np.exp(default_rng(7).normal(3.2, 0.9, len(words.PRODUCTS)))
    cents = np.maximum((price[product] * rng.choice([1.0, 0.8, 2.0], count, p=[0.8, 0.1, 0.1]) * 100), 1)
    return {
        "product": texts(words.PRODUCTS, product),
        "category": texts(words.CATEGORIES, category),
        "amount": decimals(cents.astype(np.int64), rng.random(count) < 0.02),
    }
