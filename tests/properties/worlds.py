"""Random data: rows as clients send them, over one schema that has every type.

Everything is drawn from a `random.Random`, which may be a plain one (fast, for millions of pairs) or one of
hypothesis (which can shrink what it found).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from random import Random
from typing import Any

from dsl.moments import Clock
from dsl.schema import Schema
from tests.oracle import calendar
from tests.oracle.writes import Companies, Contacts, Erase, Events, Json, Members, Write

ZONES = ("Europe/Paris", "America/New_York", "UTC", "Australia/Lord_Howe", "Asia/Kolkata", "America/Sao_Paulo")

SCHEMA: Json = {
    "contacts": {
        "country": {"type": "text"},
        "name": {"type": "text"},
        "level": {"type": "choice", "options": ["Gold", "Silver", "Été"]},
        "points": {"type": "number", "decimals": 0},
        "balance": {"type": "number", "decimals": 2},
        "credit": {"type": "number", "decimals": 2},
        "height": {"type": "float"},
        "vip": {"type": "boolean"},
        "signup": {"type": "date"},
        "birthdate": {"type": "date"},
        "seen": {"type": "datetime"},
        "Date d'ajout": {"type": "datetime"},
        "interests": {"type": "tags"},
    },
    "companies": {
        "industry": {"type": "text"},
        "size": {"type": "number", "decimals": 0},
        "listed": {"type": "boolean"},
        "founded": {"type": "date"},
        "sectors": {"type": "tags"},
    },
    "events": {
        "send": {"campaign": {"type": "text"}},
        "open": {"campaign": {"type": "text"}, "device": {"type": "choice", "options": ["phone", "desk"]}},
        "purchase": {
            "amount": {"type": "number", "decimals": 2},
            "quantity": {"type": "number", "decimals": 0},
            "category": {"type": "text"},
            "gift": {"type": "boolean"},
            "due": {"type": "date"},
            "paid": {"type": "datetime"},
            "weight": {"type": "float"},
            "labels": {"type": "tags"},
        },
        "ghost": {"campaign": {"type": "text"}},
    },
}
"""Nobody ever did a `ghost`."""

TEXTS = (
    "FR",
    "fr",
    "BE",
    "Société",
    "societe",
    "SOCIETE",
    "Straße",
    "strasse",
    "",
    " ",
    "a%b",
    "a_b",
    "ﬁn",
    "İstanbul",
)
TEXTS += ("x\ny", 'say "hi"', "back\\slash", "日本", "e\u0301te\u0301", "été", "😀", "Δοκιμή", "ß", "Ǆ", "\u00a0", "aé")
WORDS = ("ski", "SKI", "vtt", "été", "ete", "a b", "golf")
MONEY = (-1000.5, -0.01, 0, 0.01, 0.1, 0.2, 10, 49.99, 50, 50.01, 99999999.99)
COUNTS = (-5, 0, 1, 2, 3, 29, 30, 31, 1_000_000)
MEASURES = (-2.5, -0.0, 0.0, 0.25, 1.5, 1.75, 1e-9, 3e18)
DYADIC = (-2.5, 0.0, 0.25, 1.5, 1.75)
"""Floats whose sums are exact in any order."""


class Shape(Enum):
    """How values lie along the rows."""

    DENSE = 0.95
    SPARSE = 0.1
    MIXED = 0.6
    RUNS = 0.9

    @property
    def presence(self) -> float:
        return float(self.value)


@dataclass
class Maker:
    """Draws rows for one world. `now` is the moment around which times cluster."""

    random: Random
    schema: Schema
    shape: Shape
    contacts: int
    now: int

    @classmethod
    def draw(cls, random: Random, schema: Schema, contacts: int) -> Maker:
        return cls(random, schema, random.choice(list(Shape)), contacts, random.choice(landmarks(schema)))

    # --- values -----------------------------------------------------------------------------------------

    def instant(self) -> int:
        """Often exactly on an edge that expressions ask about, or a millisecond beside it."""
        random = self.random
        day = 86_400_000
        match random.randrange(6):
            case 0:
                base = random.choice(landmarks(self.schema))
            case 1:
                base = calendar.before_now(random.choice(AMOUNTS), random.choice(list(calendar.Unit)), self.clock)
            case 2:
                base = midnight_of(self.now - random.randrange(-40, 400) * day, self.clock)
            case 3:
                base = self.now + random.choice(AMOUNTS) * random.choice((3_600_000, day))
            case _:
                base = self.now - random.randrange(400 * day)
        return base + random.choice((-1, 0, 0, 0, 1))

    @property
    def clock(self) -> Clock:
        return Clock(self.now, self.schema.zone)

    def datetime(self) -> str:
        return calendar.iso(self.instant())

    def date(self) -> str:
        if self.random.random() < 0.15:
            return self.random.choice(
                ("2024-02-29", "2000-02-29", "1999-12-31", "2026-01-01", "2025-12-31", "2026-02-28")
            )
        return str(calendar.local(self.instant(), self.clock).date())

    def tags(self) -> list[str]:
        return [self.random.choice(WORDS) for _ in range(self.random.randrange(4))]

    def value(self, field: str, declared: Json) -> Any:
        choice = self.random.choice
        draws: dict[str, Callable[[], Any]] = {
            "text": lambda: choice(TEXTS),
            "choice": lambda: choice(declared["options"]),
            "number": lambda: choice(COUNTS) if declared.get("decimals") == 0 else choice(MONEY),
            "float": lambda: choice(DYADIC) if field == "weight" else choice(MEASURES),
            "boolean": lambda: choice((True, False)),
            "date": self.date,
            "datetime": self.datetime,
            "tags": self.tags,
        }
        return draws[declared["type"]]()

    def values(self, fields: Json, presence: float) -> Json:
        return {
            name: self.value(name, declared) for name, declared in fields.items() if self.random.random() < presence
        }

    # --- rows -------------------------------------------------------------------------------------------

    def contact_id(self) -> str:
        return f"c{self.random.randrange(self.contacts)}"

    def contact_rows(self, ids: list[str]) -> list[Json]:
        rows: list[Json] = []
        for id in ids:
            if self.shape is Shape.RUNS and rows and self.random.random() < 0.9:
                rows.append(rows[-1] | {"id": id})
                continue
            row = {"id": id, **self.values(SCHEMA["contacts"], self.shape.presence)}
            if self.random.random() < 0.4:
                row["company"] = self.company_id()
            rows.append(row)
        return rows

    def updates(self) -> Contacts:
        """Changes to some contacts: new values, and fields cleared."""
        rows = [{"id": self.contact_id(), **self.values(SCHEMA["contacts"], 0.2)} for _ in range(self.few())]
        for row in rows:
            for name in self.random.sample(sorted(SCHEMA["contacts"]), self.random.randrange(4)):
                row[name] = None
            if self.random.random() < 0.2:
                row["company"] = self.random.choice((None, self.company_id()))
        return Contacts(rows)

    def company_id(self) -> str:
        return f"k{self.random.randrange(6)}"

    def companies(self) -> Companies:
        return Companies(
            [{"id": self.company_id(), **self.values(SCHEMA["companies"], 0.7)} for _ in range(self.few())]
        )

    def few(self) -> int:
        return self.random.randrange(1, 6)

    def event(self) -> Json:
        type = self.random.choice(("send", "open", "open", "purchase", "purchase"))
        row = {"contact": self.contact_id(), "type": type, "at": self.datetime()}
        if self.random.random() < 0.15:
            row["id"] = f"e{self.random.randrange(20)}"
        return row | self.values(SCHEMA["events"][type], max(self.shape.presence, 0.4))

    def events(self, count: int) -> Events:
        rows: list[Json] = []
        for _ in range(count):
            repeat = rows and self.random.random() < (0.3 if self.shape is Shape.RUNS else 0.05)
            rows.append(dict(rows[-1]) if repeat else self.event())
        return Events(rows)

    def first_writes(self) -> list[Write]:
        ids = [f"c{number}" for number in range(self.contacts)]
        return [
            self.companies(),
            Contacts(self.contact_rows(ids)),
            self.events(self.contacts * self.random.choice((1, 4))),
        ]

    def later_write(self, living: list[str]) -> Write:
        """`living` are the contacts there are; one of them may be erased."""
        match self.random.randrange(8):
            case 0 | 1 | 2:
                return self.events(self.few() * 4)
            case 3 | 4:
                return self.updates()
            case 5:
                return self.companies()
            case 6 if living:
                return Erase(self.random.choice(living))
            case _ if living:
                return self.members(living)
            case _:
                return self.updates()

    def members(self, living: list[str]) -> Members:
        picked = [id for id in living if self.random.random() < 0.3]
        self.random.shuffle(picked)
        third = len(picked) // 3
        key = self.random.choice(("hand", "rules", "child"))
        return Members(key, picked[:third], picked[third : 2 * third], picked[2 * third :])


AMOUNTS = (0, 1, 1, 2, 3, 4, 7, 12, 24, 30, 60, 90, 365)


def midnight_of(instant: int, clock: Clock) -> int:
    local = calendar.local(instant, clock)
    return calendar.to_milliseconds(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))


def landmarks(schema: Schema) -> list[int]:
    """Instants where calendars go wrong: leap days, month ends, New Year, and every change of clocks nearby."""
    zone = schema.zone
    walls = (
        "2026-11-22T12:00", "2024-02-29T12:00", "2024-02-29T23:59:59.999", "2025-02-28T00:00", "2026-03-31T08:00",
        "2025-12-31T23:59:59.999", "2026-01-01T00:00", "2026-05-31T00:00", "2024-12-30T00:00",
        "2026-07-15T13:37:11.123",
    )  # fmt: skip
    fixed = [calendar.to_milliseconds(datetime.fromisoformat(wall).replace(tzinfo=zone)) for wall in walls]
    return fixed + clock_changes(schema)


def clock_changes(schema: Schema) -> list[int]:
    """The hours of 2024 to 2026 at which the offset from UTC changes, found by walking through them."""
    if schema.timezone not in _CHANGES:
        zone, changes = schema.zone, []
        moment = datetime(2024, 1, 1, tzinfo=UTC)
        offset = moment.astimezone(zone).utcoffset()
        while moment.year < 2027:
            moment += timedelta(minutes=30)
            if moment.astimezone(zone).utcoffset() != offset:
                offset = moment.astimezone(zone).utcoffset()
                changes.append(calendar.to_milliseconds(moment))
        _CHANGES[schema.timezone] = changes
    return _CHANGES[schema.timezone]


_CHANGES: dict[str, list[int]] = {}
