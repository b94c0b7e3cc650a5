"""Aggregates of events that lie in one part, or nearly: of those who have some, of others, and of whoever has more."""

import random

import pytest

from dsl import typed
from dsl.problems import NOWHERE
from dsl.typed import AggregateFunction as Function
from engine.plan.physical import selection
from tests.engine.plan.test_plan_constructs import TOYS, Between, ask, events, last_days, measure
from tests.engine.plan.twin import DAY, NOW, Twin

RECENT = events(window=last_days(60))
TERMS = {
    "count": measure(Function.COUNT, RECENT),
    "count of toys": measure(Function.COUNT, events(where=TOYS, window=last_days(80))),
    "sum": measure(Function.SUM, RECENT, "amount"),
    "average": measure(Function.AVG, RECENT, "amount"),
    "least": measure(Function.MIN, RECENT, "amount"),
    "most": measure(Function.MAX, RECENT, "amount"),
    "sum by count": typed.Arithmetic(
        NOWHERE,
        typed.Operator.DIVIDE,
        measure(Function.SUM, RECENT, "amount"),
        measure(Function.COUNT, events(where=TOYS, window=last_days(80))),
    ),
    "distinct": measure(Function.DISTINCT, RECENT, "product"),
    "distinct of old ones": measure(
        Function.DISTINCT, events(window=Between(NOW - 80 * DAY, NOW - 40 * DAY)), "product"
    ),
    "distinct weights": measure(Function.DISTINCT, RECENT, "weight"),
    "weight": measure(Function.SUM, RECENT, "weight"),
}
RANGES = {
    "above": typed.Range(low=3),
    "two": typed.Range(low=2, high=2),
    "zero and more": typed.Range(low=0),
    "below": typed.Range(high=2),
}


@pytest.fixture(scope="module", params=["one part", "few in the tail", "two parts", "erased"])
def shop(request) -> Twin:
    """70 contacts, every third of whom bought something, most of it sealed."""
    rng, twin = random.Random(4), Twin()
    for number in range(70):
        twin.contact(f"c{number}")

    def buy(number: int) -> None:
        amount = rng.choice([None, *range(-2, 6)])
        product, weight = rng.choice([None, "toy", "game"]), rng.choice([None, 0.5, 2.5])
        twin.event(
            "purchase", f"c{number}", NOW - rng.randrange(100) * DAY, amount=amount, product=product, weight=weight
        )

    for _ in range(80):
        buy(3 * rng.randrange(20))
    twin.seal()
    match request.param:
        case "few in the tail":
            buy(0)
            buy(0)
        case "two parts":
            for number in range(20):
                buy(number)
            twin.seal()
        case "erased":
            twin.erase("c0")
            twin.erase("c1")
    return twin


@pytest.mark.parametrize("term", TERMS)
@pytest.mark.parametrize("among", RANGES)
def test_everyone_is_told(shop, term, among):
    shop.agreed(ask(TERMS[term], RANGES[among]))


@pytest.mark.parametrize("times", [(0, 0), (1, 3), (2, None)])
def test_the_cores_share_the_parts(shop, times, monkeypatch):
    monkeypatch.setattr(selection, "SHARED_TALLIES", 0)
    shop.agreed(typed.Did(NOWHERE, RECENT, *times))
