"""One small workspace, in the engine's tables and in the oracle's world, filled by the same writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any
from unittest import mock
from zoneinfo import ZoneInfo

from pyroaring import BitMap

from dsl import typed
from dsl.moments import Clock
from dsl.schema import Field, Schema, Type
from engine.bitmaps import to_array
from engine.changes import AddEvents, ContactRow, EraseContacts, EventColumns, UpsertCompanies, UpsertContacts
from engine.plan import Operator, count, execute, lower, plan, rewrite
from engine.plan.logical import Plan
from engine.plan.physical import happened, regular, space
from engine.reading import Version
from engine.tables.state import State
from tests.oracle import world as oracle
from tests.oracle.evaluate import select

DAY = 86_400_000
NOW = 1_795_348_800_123
CLOCK = Clock(NOW, ZoneInfo("Europe/Paris"))

_CONTACTS = (
    Field("country", Type.TEXT),
    Field("kind", Type.CHOICE, options=("red", "Green")),
    Field("points", Type.NUMBER),
    Field("score", Type.FLOAT),
    Field("newsletter", Type.BOOLEAN),
    Field("birthdate", Type.DATE),
    Field("signup", Type.DATETIME),
    Field("interests", Type.TAGS),
)
_PURCHASE = (
    Field("amount", Type.NUMBER),
    Field("weight", Type.FLOAT),
    Field("product", Type.TEXT),
    Field("due", Type.DATE),
    Field("labels", Type.TAGS),
)
_OPEN = (Field("campaign", Type.TEXT), Field("cost", Type.NUMBER, decimals=0))


def _named(fields: tuple[Field, ...]) -> Mapping[str, Field]:
    return MappingProxyType({f.name: f for f in fields})


SCHEMA = Schema(
    "Europe/Paris",
    contacts=_named(_CONTACTS),
    companies=_named((Field("industry", Type.TEXT), Field("staff", Type.NUMBER, decimals=0))),
    events=MappingProxyType({"purchase": _named(_PURCHASE), "open": _named(_OPEN)}),
)


@dataclass(frozen=True)
class Definition:
    """A saved segment as the planner sees it."""

    condition: typed.Condition | None
    parent: str | None = None
    added: BitMap = field(default_factory=BitMap)
    removed: BitMap = field(default_factory=BitMap)


class Twin:
    """One workspace kept twice: writes go to both, questions go to both and must agree."""

    def __init__(self) -> None:
        self.state = State(SCHEMA)
        self.world = oracle.World(SCHEMA)
        self.segments: dict[str, Definition] = {}

    def contact(self, id: str, company: str | None = None, **values: Any) -> None:
        given = {name: list(v) if isinstance(v, tuple) else v for name, v in values.items()}
        self.state.apply(UpsertContacts(0, [ContactRow(id, given, company)]), 1)
        self.world.upsert_contact(id, values | ({} if company is None else {"company": company}))

    def company(self, id: str, **values: Any) -> None:
        self.state.apply(UpsertCompanies(0, [ContactRow(id, values)]), 1)
        self.world.upsert_company(id, values)

    def event(self, type: str, contact: str, at: int, **values: Any) -> None:
        given = {name: [list(v) if isinstance(v, tuple) else v] for name, v in values.items()}
        self.state.apply(AddEvents(0, [EventColumns(type, [contact], [at], None, given)]), 1)
        self.world.add_event(contact, type, at, values)

    def erase(self, id: str) -> None:
        self.state.apply(EraseContacts([self.row(id)]), 1)
        self.world.erase(id)

    def seal(self) -> None:
        """What was written so far is sealed; the oracle does not mind."""
        self.state.seal(everything=True)

    def row(self, id: str) -> int:
        row = self.state.publish(1).contacts.row(id)
        assert row is not None
        return row

    def segment(
        self,
        key: str,
        condition: typed.Condition | None,
        parent: str | None = None,
        added: tuple[str, ...] = (),
        removed: tuple[str, ...] = (),
    ) -> None:
        rows = [BitMap(self.row(id) for id in ids) for ids in (added, removed)]
        self.segments[key] = Definition(condition, parent, *rows)
        rules = None if condition is None else typed.Selection(condition)
        self.world.segments[key] = oracle.Segment(rules, parent, set(added), set(removed))

    def lowered(self, condition: typed.Condition, cut: typed.Cut | None = None) -> Plan:
        return lower(typed.Selection(condition, cut), CLOCK, SCHEMA, self.segments)

    def engine(self, condition: typed.Condition, cut: typed.Cut | None = None) -> set[str]:
        """The members, after checking that every way of asking gives the same ones."""
        version = self.state.publish(1)
        lowered = self.lowered(condition, cut)
        members = execute(plan(rewrite(lowered), version), version)
        for logical in (lowered, rewrite(lowered)):
            physical = plan(logical, version)
            assert execute(physical, version) == members
            assert count(physical, version) == len(members)
            _check_halves(physical, version, members)
            # With limits of 0 any number of candidates is few.
            with mock.patch.object(space, "SPARSE", 0), mock.patch.object(happened, "FOLLOWED", 0):
                _check_halves(physical, version, members)
                with mock.patch.multiple(happened, TALLIED=0, LOOKED_UP=0), mock.patch.object(regular, "FOLLOWED", 0):
                    _check_halves(physical, version, members)
            with mock.patch.object(space, "STRETCH_EVENTS", 2):
                assert execute(physical, version) == members
        return set(version.contacts.ids(to_array(members)))

    def agreed(self, condition: typed.Condition, cut: typed.Cut | None = None) -> str:
        """The members' ids in order, once engine and oracle agree."""
        members = self.engine(condition, cut)
        assert members == select(typed.Selection(condition, cut), self.world, CLOCK)
        return " ".join(sorted(members))


def _check_halves(physical: Operator, version: Version, members: BitMap) -> None:
    halves = [BitMap(range(start, version.contacts.size, 2)) for start in (0, 1)]
    assert [execute(physical, version, within=half) for half in halves] == [members & half for half in halves]
    assert [count(physical, version, within=half) for half in halves] == [len(members & half) for half in halves]
