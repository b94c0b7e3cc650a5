"""Random data: rows as clients send them, over one schema that has every type.

Everything is drawn from a `random.Random`, which may be a plain one (fast, for millions of pairs) or one of
hypothesis (which can shrink what it found).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
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
    """How values and events lie along the rows."""

    DENSE = "dense"
    """Most contacts have a value in every field, and events."""
    SPARSE = "sparse"
    """Few in many: one contact in ten has a value of a field, or events."""
    RUNS = "runs"
    """Long runs of neighbouring contacts have the same values and did the same."""
    MIXED = "mixed"
    """Dense in some fields, sparse in others, set for half of the contacts in the rest."""


PRESENCE = {Shape.DENSE: (0.95,), Shape.SPARSE: (0.1,), Shape.RUNS: (0.9, 0.3), Shape.MIXED: (0.95, 0.5, 0.1)}
"""The share of contacts with a value, drawn for each field."""
EVENTS = {
    Shape.DENSE: (1, 2, 3, 6),
    Shape.SPARSE: (0,) * 9 + (1, 2, 3),
    Shape.RUNS: (0, 1, 2, 4),
    Shape.MIXED: (0, 0, 1, 3, 8),
}
"""How many events a contact has at first."""
RUN_LENGTHS = (2, 10, 100, 5_000)
MANY = 500
"""From this many contacts on, they are copies of a few people: the oracle decides once for all that are alike."""
PEOPLE = 40


@dataclass(frozen=True)
class Person:
    """What a contact is and did, whoever it is."""

    row: Json
    events: tuple[Json, ...]


@dataclass
class Maker:
    """Draws rows for one world. `now` is the moment around which times cluster."""

    random: Random
    schema: Schema
    shape: Shape
    contacts: int
    now: int
    presences: dict[str, float] = field(default_factory=dict)

    @classmethod
    def draw(cls, random: Random, schema: Schema, shape: Shape, contacts: int) -> Maker:
        return cls(random, schema, shape, contacts, random.choice(landmarks(schema)))

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

    def values(self, fields: Json, presence: float | None = None) -> Json:
        """Values of some fields: a share `presence` of them, or as the shape has it."""
        return {
            name: self.value(name, declared)
            for name, declared in fields.items()
            if self.random.random() < (self.presence(name) if presence is None else presence)
        }

    def presence(self, field: str) -> float:
        if field not in self.presences:
            self.presences[field] = self.random.choice(PRESENCE[self.shape])
        return self.presences[field]

    # --- rows -------------------------------------------------------------------------------------------

    def contact_id(self) -> str:
        return f"c{self.random.randrange(self.contacts)}"

    def people(self) -> Iterator[Person]:
        """Who the contacts are, in the order of their rows."""
        cast = [self.person() for _ in range(PEOPLE)] if self.contacts >= MANY else []
        left = self.contacts
        while left:
            person = self.random.choice(cast) if cast else self.person()
            length = min(left, self.random.choice(RUN_LENGTHS) if self.shape is Shape.RUNS else 1)
            yield from [person] * length
            left -= length

    def person(self) -> Person:
        row = self.values(SCHEMA["contacts"])
        if self.random.random() < (0.1 if self.shape is Shape.SPARSE else 0.4):
            row["company"] = self.company_id()
        events: list[Json] = []
        for _ in range(self.random.choice(EVENTS[self.shape])):
            repeat = events and self.random.random() < 0.1
            events.append(dict(events[-1]) if repeat else self.happening())
        return Person(row, tuple(events))

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

    def happening(self) -> Json:
        """An event, whoever's it is."""
        type = self.random.choice(("send", "open", "open", "purchase", "purchase"))
        return {
            "type": type,
            "at": self.datetime(),
            **self.values(SCHEMA["events"][type], self.random.choice((0.4, 0.9))),
        }

    def event(self) -> Json:
        row = {"contact": self.contact_id(), **self.happening()}
        if self.random.random() < 0.15:
            row["id"] = f"e{self.random.randrange(20)}"
        return row

    def events(self, count: int) -> Events:
        rows: list[Json] = []
        for _ in range(count):
            rows.append(dict(rows[-1]) if rows and self.random.random() < 0.05 else self.event())
        return Events(rows)

    def first_writes(self) -> list[Write]:
        people = [(f"c{number}", person) for number, person in enumerate(self.people())]
        happened = [{"contact": id, **event} for id, person in people for event in person.events]
        if self.random.random() < 0.5:
            happened.sort(key=lambda event: self.random.random())
        return [
            self.companies(),
            Contacts([{"id": id, **person.row} for id, person in people]),
            *([Events(happened)] if happened else []),
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


DAY, QUARTER = 86_400_000, 900_000
AMOUNTS = (0, 1, 1, 2, 3, 4, 7, 12, 24, 30, 60, 90, 365)


def midnight_of(instant: int, clock: Clock) -> int:
    local = calendar.local(instant, clock)
    return calendar.to_milliseconds(local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0))


def landmarks(schema: Schema) -> list[int]:
    """Instants where calendars go wrong: leap days, month ends, New Year, every change of clocks nearby, and a day
    after it the times of day that it skipped or that came twice.
    """
    zone = schema.zone
    walls = (
        "2026-11-22T12:00", "2024-02-29T12:00", "2024-02-29T23:59:59.999", "2025-02-28T00:00", "2026-03-31T08:00",
        "2025-12-31T23:59:59.999", "2026-01-01T00:00", "2026-05-31T00:00", "2024-12-30T00:00",
        "2026-07-15T13:37:11.123",
    )  # fmt: skip
    fixed = [calendar.to_milliseconds(datetime.fromisoformat(wall).replace(tzinfo=zone)) for wall in walls]
    changes = clock_changes(schema)
    return fixed + changes + [change + DAY + aside for change in changes for aside in (-QUARTER, QUARTER)]


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
