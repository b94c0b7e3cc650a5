"""The oracle itself, on answers worked out by hand."""

from __future__ import annotations

from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from dsl import typed
from dsl.moments import Clock, Unit
from dsl.problems import NOWHERE
from dsl.schema import Field, Schema, Type
from tests.oracle.evaluate import anniversary, has_anniversary, midnight, select, whole_years
from tests.oracle.world import Segment, World
from tests.oracle.writes import moment

PARIS = ZoneInfo("Europe/Paris")
DAY = 86_400_000
CLOCK = Clock(moment("2026-11-22T12:00:00+01:00", Schema()), PARIS)
CAMPAIGN = Field("campaign", Type.TEXT)
AMOUNT = Field("amount", Type.NUMBER)
POINTS = Field("points", Type.NUMBER, decimals=0)
SCHEMA = Schema(
    "Europe/Paris",
    contacts={"country": Field("country", Type.TEXT), "points": POINTS},
    events={"send": {"campaign": CAMPAIGN}, "open": {"campaign": CAMPAIGN}, "purchase": {"amount": AMOUNT}},
)
POINTS_TERM = typed.FieldTerm(NOWHERE, typed.Scope.CONTACTS, POINTS)


def selector(event: str) -> typed.Selector:
    return typed.Selector(NOWHERE, event)


def sequence(*steps: typed.Step) -> typed.Sequence:
    return typed.Sequence(NOWHERE, steps)


def step(event: str, days: float | None = None, absent: bool = False, same: Field | None = None) -> typed.Step:
    correlations = () if same is None else (typed.Correlation(same, same),)
    within = None if days is None else int(days * DAY)
    return typed.Step(NOWHERE, selector(event), within, absent, correlations)


@pytest.fixture
def world() -> World:
    world = World(SCHEMA)
    world.upsert_contact("a", {"country": "FR", "points": 31})
    world.upsert_contact("b", {"country": "fr"})
    world.upsert_contact("c", {"points": -2})
    return world


def selected(world: World, condition: typed.Condition, cut: typed.Cut | None = None) -> set[str]:
    return select(typed.Selection(condition, cut), world, CLOCK)


def test_a_missing_value_fails_a_test_and_passes_its_negation(world: World) -> None:
    over_30 = typed.Test(NOWHERE, POINTS_TERM, typed.Range(low=31))
    assert selected(world, over_30) == {"a"}
    assert selected(world, typed.Not(NOWHERE, over_30)) == {"b", "c"}


def test_text_is_compared_folded(world: World) -> None:
    country = typed.FieldTerm(NOWHERE, typed.Scope.CONTACTS, SCHEMA.contacts["country"])
    assert selected(world, typed.Test(NOWHERE, country, typed.OneOf(("fr",)))) == {"a", "b"}
    assert selected(world, typed.Test(NOWHERE, country, typed.ExactlyOneOf(("FR",)))) == {"a"}


def test_zero_times_holds_for_contacts_without_events(world: World) -> None:
    world.add_event("a", "purchase", CLOCK.now - DAY, {"amount": 500})
    assert selected(world, typed.Did(NOWHERE, selector("purchase"), 0, 0)) == {"b", "c"}


def test_a_duplicate_event_id_counts_once(world: World) -> None:
    for contact in ("a", "b"):
        world.add_event(contact, "open", CLOCK.now, {}, id="same")
    assert selected(world, typed.Did(NOWHERE, selector("open"))) == {"a"}


def test_average_is_exact_and_missing_without_events(world: World) -> None:
    for cents in (100, 100, 101):
        world.add_event("a", "purchase", CLOCK.now, {"amount": cents})
    average = typed.Aggregate(NOWHERE, typed.AggregateFunction.AVG, selector("purchase"), AMOUNT)
    third = Fraction(301, 300)
    assert selected(world, typed.Test(NOWHERE, average, typed.Range(third, third))) == {"a"}
    assert selected(world, typed.Test(NOWHERE, average, typed.Range(third, low_open=True))) == set()


def test_sequence_steps_come_strictly_after_and_within_their_time(world: World) -> None:
    for contact, delay in (("a", 0), ("b", 2 * DAY), ("c", 2 * DAY + 1)):
        world.add_event(contact, "send", 1_000, {"campaign": "Spring"})
        world.add_event(contact, "open", 1_000 + delay, {"campaign": "spring"})
    assert selected(world, sequence(step("send"), step("open", 2))) == {"b"}
    assert selected(world, sequence(step("send"), step("open"))) == {"b", "c"}
    assert selected(world, sequence(step("send"), step("open", 2, absent=True))) == {"a", "c"}


def test_a_correlated_step_shares_the_value_of_the_earlier_one(world: World) -> None:
    for contact, campaign in (("a", "SPRING"), ("b", "Autumn"), ("c", None)):
        world.add_event(contact, "send", 0, {"campaign": "Spring"})
        world.add_event(contact, "open", 5, {"campaign": campaign})
    assert selected(world, sequence(step("send"), step("open", same=CAMPAIGN))) == {"a"}


def test_regularity_counts_the_spans_that_hold_an_event(world: World) -> None:
    for days in (1, 2, 8, 21):
        world.add_event("a", "open", CLOCK.now - days * DAY, {})
    weeks = [typed.Regularity(NOWHERE, selector("open"), low, None, 4, Unit.WEEK) for low in (3, 4)]
    assert [selected(world, w) for w in weeks] == [{"a"}, set()]


def test_cuts_break_ties_by_id_and_put_missing_values_last(world: World) -> None:
    world.upsert_contact("d", {"points": 31})
    everyone = typed.Everyone(NOWHERE)
    top = [typed.Cut(NOWHERE, typed.CutKind.TOP, n, POINTS_TERM) for n in (1, 2, 3, 4)]
    assert [sorted(selected(world, everyone, cut)) for cut in top] == [["a"], ["a", "d"], ["a", "c", "d"], list("abcd")]
    assert selected(world, everyone, typed.Cut(NOWHERE, typed.CutKind.BOTTOM, 2, POINTS_TERM)) == {"a", "c"}


def test_overrides_hold_against_the_rules_until_reset(world: World) -> None:
    world.segments["s"] = Segment(typed.Selection(typed.Test(NOWHERE, POINTS_TERM, typed.IsSet())))
    world.change_members("s", {"b"}, {"a"}, set())
    members, rules = (typed.InSegment(NOWHERE, "s", rules_only) for rules_only in (False, True))
    assert (selected(world, members), selected(world, rules)) == ({"b", "c"}, {"a", "c"})
    world.change_members("s", set(), set(), {"a", "b"})
    assert selected(world, members) == {"a", "c"}


def test_29_february_falls_on_28_in_common_years() -> None:
    born = midnight(11016).date()
    assert born.isoformat() == "2000-02-29"
    assert anniversary(born, 2026).isoformat() == "2026-02-28"
    assert anniversary(born, 2028).isoformat() == "2028-02-29"
    assert whole_years(born, anniversary(born, 2026)) == 26
    new_year = (midnight(20_819).date(), 20_819)
    assert new_year[0].isoformat() == "2027-01-01"
    assert has_anniversary(midnight(364).date(), 20_810, 20_820)
    assert not has_anniversary(midnight(364).date(), 20_819, 20_829)
