"""Deciding once for contacts that are alike gives what deciding for each of them gives."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from dsl.problems import ExpressionError
from dsl.schema import Field, Schema, Type
from tests.oracle.evaluate import Oracle
from tests.oracle.kinds import Kinds, OracleOfKinds
from tests.oracle.world import Segment, World
from tests.properties.expressions import Writer
from tests.properties.prove import segments
from tests.properties.worlds import SCHEMA, Maker, Shape
from tests.subject import Subject

QUESTIONS = 60


@pytest.mark.parametrize("shape", Shape)
def test_both_oracles_select_the_same(shape: Shape, tmp_path: Path) -> None:
    random = Random(shape.value)
    subject = Subject(tmp_path, {"timezone": "Europe/Paris", **SCHEMA})
    try:
        maker = Maker.draw(random, subject.world.schema, shape, contacts=40)
        writer = Writer(random, maker.clock)
        for write in [*segments(writer), *maker.first_writes(), *(maker.later_write(["c1", "c2"]) for _ in range(4))]:
            subject.write(write)
        kinds = Kinds.found(subject.world)
        for _ in range(QUESTIONS):
            expression = writer.expression()
            try:
                selection = subject.understand(expression)
            except ExpressionError:
                continue
            found = OracleOfKinds(kinds, maker.clock).select(selection)
            assert found == Oracle(subject.world, maker.clock).select(selection), expression
    finally:
        subject.close()


def test_contacts_are_of_one_kind_when_only_their_ids_differ() -> None:
    world = World(Schema("UTC", contacts={"points": Field("points", Type.NUMBER, decimals=0)}))
    for id, points in (("a", 1), ("b", 1), ("c", 2), ("d", 1), ("e", 1)):
        world.upsert_contact(id, {"points": points})
    world.add_event("d", "open", at=5, properties={})
    world.segments["hand"] = Segment(added={"e"})
    of = Kinds.found(world).of
    assert of["a"] == of["b"]
    assert len({of[id] for id in "acde"}) == 4
