"""Random sequences over crowded data, where ties and gaps matter: engine and oracle agree."""

from __future__ import annotations

import random
from unittest import mock
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dsl import typed
from dsl.moments import Duration, Unit, step_instant
from dsl.problems import NOWHERE
from dsl.schema import EVENT_SYSTEM_FIELDS, Field
from dsl.typed import Correlation
from engine.plan.physical import gathering, near, sequence
from engine.plan.physical.calendar import months_later
from tests.engine.plan.test_plan_constructs import Between, ask, prop
from tests.engine.plan.twin import DAY, NOW, SCHEMA, Twin

PACES = (1, DAY, 9 * DAY)
TEXTS = ("spring", "Spring", "toy", None)
NUMBERS = {"amount": (None, 100, 150, 200), "cost": (None, 1, 2)}


def crowded(seed: int) -> tuple[Twin, int]:
    """Up to 4 contacts with up to 50 events at few different moments, and the time between two of these."""
    chance = random.Random(seed)
    twin, pace = Twin(), chance.choice(PACES)
    ids = [f"c{number}" for number in range(chance.randrange(1, 5))]
    for id in ids:
        twin.contact(id)
    sealed = chance.randrange(60)
    for number in range(chance.randrange(50)):
        if number == sealed:
            twin.seal()
        id, at = chance.choice(ids), NOW - pace * chance.randrange(9)
        text, numbers = chance.choice(TEXTS), {name: chance.choice(some) for name, some in NUMBERS.items()}
        if chance.random() < 0.5:
            due = chance.choice((None, 1, 2))
            labels = tuple(chance.sample(("Ski", "ski", "vtt"), chance.randrange(3)))
            twin.event("purchase", id, at, product=text, amount=numbers["amount"], due=due, labels=labels)
        else:
            twin.event("open", id, at, campaign=text, cost=numbers["cost"])
    if chance.random() < 0.2:
        twin.erase(chance.choice(ids))
    return twin, pace


def property_of(event: str | None, name: str) -> Field | None:
    declared = {} if event is None else SCHEMA.events[event]
    return declared.get(name) or EVENT_SYSTEM_FIELDS.get(name)


CORRELATED = ("product", "campaign", "amount", "cost", "due", "labels", "at")
events = st.sampled_from(("purchase", "open", None))
ticks = st.none() | st.integers(0, 9)
durations = st.builds(Duration, st.integers(0, 2), st.sampled_from((Unit.MONTH, Unit.YEAR)))


@st.composite
def selectors(draw: st.DrawFn, pace: int, windowed: bool) -> typed.Selector:
    event = draw(events)
    where = None
    if event == "purchase" and draw(st.booleans()):
        where = ask(prop("purchase", "product"), typed.OneOf((draw(st.sampled_from(("toy", "spring"))),)))
    ends = [None if tick is None else NOW - pace * tick for tick in (draw(ticks), draw(ticks))] if windowed else []
    return typed.Selector(NOWHERE, event, where, Between(*ends) if ends else None)


@st.composite
def correlations(draw: st.DrawFn, event: str | None, earlier: list[typed.Step]) -> tuple[Correlation, ...]:
    """One or two properties of the event that fit one of an earlier present step."""
    present = [step.selector.event for step in earlier if not step.absent]
    fitting = [
        Correlation(here, there)
        for here in (property_of(event, name) for name in CORRELATED)
        for there in (property_of(source, name) for name in CORRELATED for source in present)
        if here is not None and there is not None and here.type is there.type
    ]
    return tuple(draw(st.lists(st.sampled_from(fitting), max_size=2))) if fitting else ()


@st.composite
def steps(draw: st.DrawFn, pace: int) -> tuple[typed.Step, ...]:
    found = [typed.Step(NOWHERE, draw(selectors(pace, windowed=draw(st.booleans()))))]
    for _ in range(draw(st.integers(0, 4))):
        selector = draw(selectors(pace, windowed=draw(st.integers(0, 5)) == 0))
        gap = draw(st.none() | st.integers(0, 4).map(lambda count: count * pace) | durations)
        milliseconds, within = (None, gap) if isinstance(gap, Duration) else (gap, None)
        same = draw(correlations(selector.event, found))
        found.append(typed.Step(NOWHERE, selector, milliseconds, draw(st.booleans()), same, within))
    return tuple(found)


@settings(max_examples=200)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_engine_and_oracle_agree(seed: int, data: st.DataObject) -> None:
    twin, pace = crowded(seed)
    twin.agreed(typed.Sequence(NOWHERE, data.draw(steps(pace))))


@settings(max_examples=60)
@given(seed=st.integers(0, 2**32), data=st.data())
def test_the_same_in_small_pieces(seed: int, data: st.DataObject) -> None:
    """Large data are worked on some contacts at a time, and few rows are put in the order of contacts; until distances
    are measured, none tell of two steps."""
    twin, pace = crowded(seed)
    few = mock.patch.object(gathering, "SORTED_MEANWHILE", data.draw(st.sampled_from((0, 32))))
    follow = mock.patch.object(gathering, "worth_following", return_value=data.draw(st.booleans()))
    untold = mock.patch.object(near, "FAR", 0)
    with few, follow, untold, mock.patch.multiple(sequence, EVENTS_AT_ONCE=15, CONTACTS_AT_ONCE=2):
        twin.agreed(typed.Sequence(NOWHERE, data.draw(steps(pace))))


@pytest.mark.parametrize("zone", ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "UTC"])
@given(
    instants=st.lists(
        st.integers(0, 2_200_000_000_000) | st.integers(1_774_000_000_000, 1_775_000_000_000), max_size=20
    ),
    months=st.integers(1, 40),
)
def test_months_later_are_those_of_the_calendar(zone: str, instants: list[int], months: int) -> None:
    expected = [step_instant(instant, months, Unit.MONTH, ZoneInfo(zone)) for instant in instants]
    assert months_later(np.array(instants, np.int64), months, zone, 4_000_000_000_000).tolist() == expected
