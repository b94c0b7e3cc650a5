"""Two steps told by distances: as the oracle says, whatever windows cut off, and only where windows allow it."""

from __future__ import annotations

from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl import typed
from dsl.problems import NOWHERE
from dsl.typed import Correlation
from engine.plan.physical import near
from engine.plan.physical.near import Near
from engine.plan.physical.operator import Context
from engine.plan.physical.selection import Selection
from engine.plan.physical.steps import LAST, Step
from engine.reading import FAR
from tests.engine.plan.test_plan_constructs import Between, ask, prop
from tests.engine.plan.test_sequence_random import crowded
from tests.engine.plan.twin import DAY, NOW, SCHEMA, Twin

SAME = Correlation(SCHEMA.events["open"]["campaign"], SCHEMA.events["purchase"]["product"])
ends = st.none() | st.integers(0, 9)


@settings(max_examples=300, deadline=None)
@given(
    seed=st.integers(0, 2**32),
    first=st.tuples(ends, ends),
    second=st.tuples(ends, ends),
    gap=st.none() | st.integers(0, 5),
    absent=st.booleans(),
    alike=st.booleans(),
    wanted=st.none() | st.sampled_from(("toy", "spring")),
    turned=st.booleans(),
    at_once=st.sampled_from((1, 1 << 20)),
)
def test_engine_and_oracle_agree(seed, first, second, gap, absent, alike, wanted, turned, at_once):
    twin, pace = crowded(seed)

    def events(type: str, window: tuple[int | None, int | None]) -> typed.Selector:
        between = Between(*(None if tick is None else NOW - pace * tick for tick in window))
        condition = ask(prop(type, "product"), typed.OneOf((wanted,))) if wanted and type == "purchase" else None
        return typed.Selector(NOWHERE, type, condition, between)

    types = ("open", "purchase") if turned else ("purchase", "open")
    after = typed.Step(
        NOWHERE,
        events(types[1], second),
        None if gap is None else gap * pace,
        absent,
        (SAME,) if alike and not turned else (),
    )
    steps = typed.Step(NOWHERE, events(types[0], first)), after
    with mock.patch.multiple(near, ROWS_AT_ONCE=at_once, SHARED=at_once):
        twin.agreed(typed.Sequence(NOWHERE, steps))


def chosen(twin: Twin, states: Selection, events: Selection, **more: object) -> Near | None:
    steps = Step(states), Step(events, **({"gap": 5} | more))
    return Near.of(steps, LAST if steps[1].gap is None else steps[1].gap, Context.of_contacts(twin.state.publish(1)))


@pytest.mark.parametrize(
    ("states", "events", "absent", "later"),
    [
        ((None, None), (None, None), False, False),
        ((0, None), (1, None), False, False),
        ((0, 10), (1, 11), False, False),
        ((0, NOW + 1), (1, None), False, False),
        ((0, 10), (1, None), False, True),
        ((0, NOW - 1), (0, NOW + 1), False, True),
        ((0, None), (None, 12), True, True),
        ((0, NOW - 1), (2, NOW + 1), False, None),
        ((None, None), (2, None), True, None),
    ],
)
def test_the_side_with_fewer_events_is_measured_where_its_nearest_ones_decide(
    twin: Twin, states: tuple[int | None, int | None], events: tuple[int | None, int | None], absent: bool, later: bool
) -> None:
    """There are fewer opens than purchases, and none after NOW."""
    twin.seal()
    told = chosen(twin, Selection(("purchase",), None, *states), Selection(("open",), None, *events), absent=absent)
    assert later == (told.nearest.later if told else None)


def test_what_may_be_farther_than_is_measured_is_not_told(twin: Twin) -> None:
    """The last open is a hundred days after the first purchase."""
    twin.seal()
    lately = Selection(("purchase",), start=NOW - 49 * DAY)
    for gap in (None, FAR):
        assert chosen(twin, Selection(("purchase",)), Selection(("open",)), gap=gap) is None
        assert chosen(twin, lately, Selection(("open",)), gap=gap).most == 49 * DAY
        assert chosen(twin, Selection(("purchase",)), Selection(("open",), end=NOW - 60 * DAY), gap=gap).most < FAR
    assert chosen(twin, Selection(("purchase",)), Selection(("open",)), gap=FAR - 1) is not None


def test_events_since_those_measured_count(twin: Twin) -> None:
    """Of contacts whose nearest events changed, and of a new one."""
    steps = tuple(
        typed.Step(NOWHERE, typed.Selector(NOWHERE, type), gap) for type, gap in (("purchase", None), ("open", DAY))
    )
    asked = (
        typed.Sequence(NOWHERE, steps),
        typed.Sequence(NOWHERE, (steps[0], typed.Step(NOWHERE, steps[1].selector, DAY, True))),
    )
    for number in range(40):
        twin.contact(f"old{number}")
        twin.event("purchase", f"old{number}", NOW - number * DAY // 10)
        twin.event("open", f"old{number}", NOW)
    twin.seal()
    for each in asked:
        twin.agreed(each)
    twin.contact("new")
    for id in ("new", "old30", "a"):
        twin.event("purchase", id, NOW + 1)
    twin.event("open", "new", NOW + 2)
    twin.event("open", "old20", NOW - DAY)
    for each in asked:
        twin.agreed(each)
    twin.erase("old3")
    for each in asked:
        twin.agreed(each)
