"""The oracle over large worlds in which many contacts are alike: what holds of one holds of all of its kind.

Two contacts are of one kind when nothing but their ids tells them apart: the same values and company, the same events
in the same order, the same overrides of segments. A condition that never looks at an id is then decided once a kind,
by the same plain evaluation; one that does (`id = …`, samples, buckets) is decided contact by contact.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

from msgspec import Struct
from msgspec.structs import astuple

from dsl import typed
from dsl.moments import Clock
from tests.oracle.evaluate import Lives, Oracle, Row, lives_in
from tests.oracle.world import World


@dataclass(frozen=True)
class Kinds:
    """Which contacts are alike, in one state of a world: it must not change while this is in use."""

    world: World
    lives: Lives
    members: tuple[list[str], ...]

    @classmethod
    def found(cls, world: World) -> Kinds:
        lives, alike = lives_in(world), dict[object, list[str]]()
        for id, values in world.contacts.items():
            named = frozenset((name, value) for name, value in values.items() if name != "id")
            lived = tuple((event.type, frozenset(event.values.items())) for event in lives.get(id, ()))
            overridden = tuple((id in s.added, id in s.removed) for s in world.segments.values())
            alike.setdefault((named, world.company_of.get(id), lived, overridden), []).append(id)
        return cls(world, lives, tuple(alike.values()))

    @cached_property
    def of(self) -> dict[str, int]:
        """The number of each contact's kind."""
        return {id: number for number, ids in enumerate(self.members) for id in ids}


class OracleOfKinds(Oracle):
    """Gives what `Oracle` gives."""

    def __init__(self, kinds: Kinds, clock: Clock) -> None:
        super().__init__(kinds.world, clock, kinds.lives)
        self.kinds = kinds
        self.decided: dict[tuple[int, int], bool] = {}
        self.personal: dict[int, bool] = {}

    def select(self, selection: typed.Selection) -> set[str]:
        if self.is_personal(selection.condition):
            return super().select(selection)
        kinds = (ids for ids in self.kinds.members if self.holds(selection.condition, self.contact_row(ids[0])))
        chosen = {id for ids in kinds for id in ids}
        return chosen if selection.cut is None else self.cut(selection.cut, chosen)

    def holds(self, condition: typed.Condition, row: Row) -> bool:
        """Conditions on the rows of events and companies are left to the oracle."""
        if row.contact is None or row.values is not self.world.contacts[row.contact] or self.is_personal(condition):
            return super().holds(condition, row)
        key = (id(condition), self.kinds.of[row.contact])
        decided = self.decided.get(key)
        if decided is None:
            decided = self.decided[key] = super().holds(condition, row)
        return decided

    def is_personal(self, condition: typed.Condition) -> bool:
        key = id(condition)
        if key not in self.personal:
            self.personal[key] = any(map(self.looks_at_ids, parts(condition)))
        return self.personal[key]

    def looks_at_ids(self, node: object) -> bool:
        match node:
            case typed.Sample() | typed.Bucket():
                return True
            case typed.FieldTerm(scope=typed.Scope.CONTACTS, field=field):
                return field.name == "id"
            case typed.InSegment(segment=segment):
                return self.segment_looks_at_ids(segment)
            case _:
                return False

    def segment_looks_at_ids(self, key: str) -> bool:
        segment = self.world.segments[key]
        if segment.parent is not None and self.segment_looks_at_ids(segment.parent):
            return True
        if segment.rules is None:
            return False
        return segment.rules.cut is not None or self.is_personal(segment.rules.condition)


def parts(node: object) -> Iterator[object]:
    """A node of the typed tree, and all below it."""
    yield node
    match node:
        case tuple():
            for item in node:
                yield from parts(item)
        case Struct():
            yield from parts(astuple(node))
