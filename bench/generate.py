"""The generated data: contacts with 9 fields and events of 5 types, the same bytes for the same size and seed.

Shapes are those of a mailing list with a shop: countries, cities, campaigns and products follow Zipf's law, activity
follows Pareto's, opens follow sends and clicks follow opens by hours, purchases favour those who have points, and
every field misses some values. Moments end at `NOW`, more of them recent than old.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
from numpy.random import Generator, default_rng
from numpy.typing import NDArray

from bench import words

NOW = datetime(2026, 11, 22, tzinfo=UTC)
NOW_MS = int(NOW.timestamp() * 1000)
TODAY = NOW_MS // 86_400_000
DAY = 86_400_000
HOUR = 3_600_000
HISTORY_DAYS = 730
ROWS_A_CHUNK = 1 << 20

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


class Size(Enum):
    """Contacts and events of each size."""

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
    def contacts(self) -> Path:
        return self.folder / "contacts.parquet"

    @property
    def contacts_csv(self) -> Path:
        return self.folder / "contacts.csv"

    def events(self, type: str) -> Path:
        return self.folder / f"{type}.parquet"

    @property
    def complete(self) -> Path:
        return self.folder / "complete"


def generate(size: Size, out: Path, seed: int = 1) -> Files:
    """The files of a size and seed under `out`, written unless they are already there."""
    files = Files(out / f"{size.name}-{seed}")
    if files.complete.exists():
        return files
    files.folder.mkdir(parents=True, exist_ok=True)
    people = contacts(size.contacts, default_rng([seed, 0]))
    pa.parquet.write_table(people, files.contacts)
    pa.csv.write_csv(with_tags_as_text(people), files.contacts_csv)
    for type, table in event_tables(size, people, seed):
        pa.parquet.write_table(table, files.events(type), row_group_size=ROWS_A_CHUNK)
    files.complete.touch()
    return files


# --- shapes ------------------------------------------------------------------------------------------------


def zipf(rng: Generator, choices: int, size: int, exponent: float = 1.1) -> Ints:
    """Indexes 0..choices-1, the first the most frequent."""
    weights = 1 / np.arange(1, choices + 1) ** exponent
    return np.searchsorted(np.cumsum(weights / weights.sum()), rng.random(size)).clip(0, choices - 1).astype(np.int64)


def texts(values: list[str], indexes: Ints, missing: Bools | None = None) -> pa.Array:
    codes = pa.array(indexes.astype(np.int32), mask=missing)
    return pa.DictionaryArray.from_arrays(codes, pa.array(values)).cast(pa.string())


def recent_moments(rng: Generator, size: int) -> Ints:
    """Milliseconds in the `HISTORY_DAYS` before NOW; the last month holds about three times its even share."""
    age = rng.beta(1.0, 2.0, size) * HISTORY_DAYS * DAY
    return np.asarray(NOW_MS - 1 - age.astype(np.int64))


# --- contacts ----------------------------------------------------------------------------------------------


def contact_ids(rows: Ints) -> pa.Array:
    return pa.array(np.char.add("c", np.char.zfill(rows.astype("U8"), 8)))


def contacts(count: int, rng: Generator) -> pa.Table:
    """One row a contact; a third of them have no e-mail address or little else known about them."""
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
            "id": contact_ids(np.arange(count)),
            "country": texts(words.COUNTRIES, country, rng.random(count) < 0.03),
            "city": texts(words.cities(), city, rng.random(count) < 0.2),
            "email": emails(rng, count, anonymous),
            "language": texts(words.LANGUAGES, language, anonymous & (rng.random(count) < 0.5)),
            "age": pa.array(age, mask=rng.random(count) < 0.3),
            "points": pa.array(points, mask=rng.random(count) < 0.1),
            "signup": pa.array(signup.astype(np.int32), pa.int32()).cast(pa.date32()),
            "newsletter": pa.array(newsletter, mask=rng.random(count) < 0.05),
            "interests": tags(rng, count),
        }
    )


def emails(rng: Generator, count: int, missing: Bools) -> pa.Array:
    first = np.array(words.FIRST_NAMES)[zipf(rng, len(words.FIRST_NAMES), count, 0.7)]
    last = np.array(words.LAST_NAMES)[zipf(rng, len(words.LAST_NAMES), count, 0.7)]
    domain = np.array(words.DOMAINS)[zipf(rng, len(words.DOMAINS), count)]
    number = np.char.add(np.arange(count).astype("U8"), "@")
    return pa.array(np.char.add(np.char.add(first, last), np.char.add(number, domain)), mask=missing)


def tags(rng: Generator, count: int) -> pa.Array:
    """0 to 5 different interests; about a third of the contacts have none."""
    lengths = np.minimum(rng.geometric(0.45, count), 5) * (rng.random(count) < 0.65)
    picked = [dict.fromkeys(row[:n]) for row, n in zip(_interests(rng, count), lengths.tolist(), strict=True)]
    offsets = np.concatenate([[0], np.cumsum([len(row) for row in picked])]).astype(np.int32)
    flat = pa.array([words.INTERESTS[i] for row in picked for i in row], pa.string())
    return pa.ListArray.from_arrays(pa.array(offsets), flat)


def _interests(rng: Generator, count: int) -> Iterator[list[int]]:
    for start in range(0, count, ROWS_A_CHUNK):
        rows = min(ROWS_A_CHUNK, count - start)
        yield from zipf(rng, len(words.INTERESTS), rows * 5, 0.9).reshape(rows, 5).tolist()


def with_tags_as_text(table: pa.Table) -> pa.Table:
    """CSV has no lists: interests become one text, joined by `|`."""
    joined = pa.compute.binary_join(table["interests"], "|")
    return table.set_column(table.schema.get_field_index("interests"), "interests", joined)


# --- events ------------------------------------------------------------------------------------------------


def event_tables(size: Size, people: pa.Table, seed: int) -> Iterator[tuple[str, pa.Table]]:
    """(type, table ordered by time) for each event type. Opens are drawn from sends, clicks from opens."""
    counts = {type: int(size.events * share) for type, share in SHARES.items()}
    rngs = {type: default_rng([seed, 1 + number]) for number, type in enumerate(SHARES)}
    activity = default_rng([seed, 99]).pareto(1.5, size.contacts) + 0.02
    readers = activity * people["email"].is_valid().to_numpy()
    buyers = activity * (1 + np.log1p(people["points"].fill_null(0).to_numpy()))
    sends = drawn_sends(rngs["send"], readers, counts["send"])
    yield "send", sends.table({"campaign": texts(words.CAMPAIGNS, sends.subject)})
    opens = sends.followed(rngs["open"], counts["open"], mean_hours=9)
    yield "open", opens.table({"campaign": texts(words.CAMPAIGNS, opens.subject)})
    clicks = opens.followed(rngs["click"], counts["click"], mean_hours=0.3)
    yield (
        "click",
        clicks.table({"campaign": texts(words.CAMPAIGNS, clicks.subject), "url": urls(rngs["click"], counts["click"])}),
    )
    visits = drawn(rngs["visit"], activity, counts["visit"])
    yield "visit", visits.table({"url": urls(rngs["visit"], counts["visit"])})
    purchases = drawn(rngs["purchase"], buyers, counts["purchase"])
    yield "purchase", purchases.table(goods(rngs["purchase"], counts["purchase"]))


@dataclass(frozen=True, slots=True)
class Moments:
    """Who and when, ordered by time; `subject` is what it was about (a campaign's number), if anything."""

    contact: Ints
    at: Ints
    subject: Ints

    def followed(self, rng: Generator, count: int, mean_hours: float) -> Moments:
        """`count` later events, each caused by a different one of these, an exponential delay after it."""
        cause = np.sort(rng.choice(len(self.at), count, replace=False))
        delay = (rng.exponential(mean_hours * HOUR, count) + 1_000).astype(np.int64)
        return in_order(self.contact[cause], np.minimum(self.at[cause] + delay, NOW_MS - 1), self.subject[cause])

    def table(self, properties: dict[str, pa.Array]) -> pa.Table:
        at = pa.array(self.at).cast(pa.timestamp("ms", "UTC"))
        return pa.table({"contact": contact_ids(self.contact), "at": at, **properties})


def in_order(contact: Ints, at: Ints, subject: Ints) -> Moments:
    order = np.argsort(at, kind="stable")
    return Moments(contact[order], at[order], subject[order])


def drawn(rng: Generator, weights: NDArray[np.float64], count: int) -> Moments:
    """Events of contacts in proportion to their weights, at moments of their own."""
    return in_order(weighted(rng, weights, count), recent_moments(rng, count), np.zeros(count, np.int64))


def weighted(rng: Generator, weights: NDArray[np.float64], count: int) -> Ints:
    total = np.cumsum(weights / weights.sum())
    return np.searchsorted(total, rng.random(count)).clip(0, len(weights) - 1).astype(np.int64)


def drawn_sends(rng: Generator, weights: NDArray[np.float64], count: int) -> Moments:
    """Campaigns go out on their own days, over three hours; a few of them to very many contacts."""
    starts = np.sort(recent_moments(rng, len(words.CAMPAIGNS)))
    campaign = rng.permutation(len(words.CAMPAIGNS))[zipf(rng, len(words.CAMPAIGNS), count, 0.6)]
    at = np.minimum(starts[campaign] + rng.integers(0, 3 * HOUR, count), NOW_MS - 1)
    return in_order(weighted(rng, weights, count), at, campaign)


def urls(rng: Generator, count: int) -> pa.Array:
    return texts(words.urls(), zipf(rng, len(words.urls()), count, 0.9), rng.random(count) < 0.01)


def goods(rng: Generator, count: int) -> dict[str, pa.Array]:
    """Products belong to one category each, and have a price that most sales keep to."""
    product = zipf(rng, words.PRODUCTS, count, 0.8)
    category = product % len(words.CATEGORIES)
    price = np.exp(default_rng(7).normal(3.2, 0.9, words.PRODUCTS))
    cents = np.maximum((price[product] * rng.choice([1.0, 0.8, 2.0], count, p=[0.8, 0.1, 0.1]) * 100), 1)
    return {
        "product": texts([f"P{number:05d}" for number in range(words.PRODUCTS)], product),
        "category": texts(words.CATEGORIES, category),
        "amount": decimals(cents.astype(np.int64), rng.random(count) < 0.02),
    }


def decimals(cents: Ints, missing: Bools) -> pa.Array:
    """Cents as decimal(18, 2): the unscaled integers, written straight into a decimal array's buffer."""
    words128 = np.zeros((len(cents), 2), np.int64)
    words128[:, 0] = cents
    valid = np.packbits(~missing, bitorder="little").tobytes()
    buffers = [pa.py_buffer(valid), pa.py_buffer(words128.tobytes())]
    return pa.Array.from_buffers(pa.decimal128(18, 2), len(cents), buffers, int(missing.sum()))
