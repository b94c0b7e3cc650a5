"""What each construct selects, worked out by hand; engine and oracle must both say so."""

from __future__ import annotations

from fractions import Fraction

import pytest

from dsl import typed
from dsl.problems import NOWHERE
from dsl.schema import CONTACT_SYSTEM_FIELDS, EVENT_SYSTEM_FIELDS, Field, Type
from dsl.typed import AggregateFunction as Function
from dsl.typed import Scope
from tests.engine.plan.twin import CLOCK, DAY, NOW, SCHEMA, Twin

ALL = "a b c d e"


class Between:
    """A window of fixed instants; its days are those of the instants in UTC."""

    def __init__(self, start: int | None, end: int | None) -> None:
        self.start, self.end = start, end

    def instants(self, clock: object) -> tuple[int | None, int | None]:
        return self.start, self.end

    def days(self, clock: object) -> tuple[int | None, int | None]:
        return tuple(None if at is None else at // DAY for at in (self.start, self.end))  # type: ignore[return-value]


def last_days(days: int) -> Between:
    return Between(NOW - days * DAY, NOW)


def contact(name: str) -> typed.FieldTerm:
    return typed.FieldTerm(NOWHERE, Scope.CONTACTS, {**SCHEMA.contacts, **CONTACT_SYSTEM_FIELDS}[name])


def company(name: str) -> typed.FieldTerm:
    return typed.FieldTerm(NOWHERE, Scope.COMPANIES, SCHEMA.companies[name])


def prop(event: str | None, name: str) -> typed.FieldTerm:
    fields = EVENT_SYSTEM_FIELDS if event is None else {**SCHEMA.events[event], **EVENT_SYSTEM_FIELDS}
    return typed.FieldTerm(NOWHERE, Scope.EVENTS, fields[name], event)


def ask(term: typed.Term, predicate: typed.Predicate) -> typed.Test:
    return typed.Test(NOWHERE, term, predicate)


def both(*items: typed.Condition) -> typed.Condition:
    return typed.And(NOWHERE, items)


def either(*items: typed.Condition) -> typed.Condition:
    return typed.Or(NOWHERE, items)


def but(item: typed.Condition) -> typed.Condition:
    return typed.Not(NOWHERE, item)


def events(
    event: str | None = "purchase", where: typed.Condition | None = None, window: Between | None = None
) -> typed.Selector:
    return typed.Selector(NOWHERE, event, where, window)


def did(selector: typed.Selector, low: int = 1, high: int | None = None) -> typed.Did:
    return typed.Did(NOWHERE, selector, low, high)


def measure(function: Function, selector: typed.Selector, name: str | None = None) -> typed.Aggregate:
    field = None if name is None else SCHEMA.events[selector.event or ""][name]
    return typed.Aggregate(NOWHERE, function, selector, field)


FRANCE = ask(contact("country"), typed.OneOf(("fr",)))
RICH = ask(contact("points"), typed.Range(low=3001))
TOYS = ask(prop("purchase", "product"), typed.OneOf(("toy",)))
EVERYONE, NOBODY = typed.Everyone(NOWHERE), typed.Nobody(NOWHERE)

ATTRIBUTES = {
    "country = fr": (FRANCE, "a b"),
    "country is exactly FR": (ask(contact("country"), typed.ExactlyOneOf(("FR",))), "a"),
    "country != fr": (but(FRANCE), "c d e"),
    "country in ()": (ask(contact("country"), typed.OneOf(())), ""),
    "points > 30": (RICH, "a"),
    "not points > 30": (but(RICH), "b c d e"),
    "points is set": (ask(contact("points"), typed.IsSet()), "a b c"),
    "newsletter": (ask(contact("newsletter"), typed.OneOf((True,))), "a"),
    "score > 1": (ask(contact("score"), typed.Range(low=1.0, low_open=True)), "b"),
    "interests has ski": (ask(contact("interests"), typed.HasAny(("ski",))), "a c"),
    "interests has all": (ask(contact("interests"), typed.HasAll(("ski", "vtt"))), "a"),
    "signup in last 30 days": (ask(contact("signup"), typed.During(last_days(30))), "b"),
    "signup at any time": (ask(contact("signup"), typed.During(Between(None, None))), "b d"),
    "birthdate in window": (ask(contact("birthdate"), typed.During(Between(11_999 * DAY, 12_001 * DAY))), "a"),
    "country starts with purch": (ask(contact("country"), typed.StartsWith("purch")), "e"),
    "id": (ask(contact("id"), typed.OneOf(("a", "z"))), "a"),
    "company.industry": (typed.OfCompany(NOWHERE, ask(company("industry"), typed.Contains("tal"))), "b"),
    "not company with staff": (but(typed.OfCompany(NOWHERE, ask(company("staff"), typed.IsSet()))), "b c d e"),
    "company without staff": (typed.OfCompany(NOWHERE, but(ask(company("staff"), typed.IsSet()))), "b"),
    "leap day anniversary": (
        ask(contact("birthdate"), typed.Anniversary(Between(20_512 * DAY, 20_513 * DAY))),  # 28 February 2026
        "c",
    ),
    "month of birthdate": (
        ask(typed.DatePart(NOWHERE, typed.Part.MONTH, contact("birthdate")), typed.OneOf((2,))),
        "c",
    ),
    "years since birthdate": (
        ask(typed.DatePart(NOWHERE, typed.Part.YEARS_SINCE, contact("birthdate")), typed.Range(low=25)),
        "c",
    ),
}

COMBINED = {
    "everyone": (EVERYONE, ALL),
    "nobody": (NOBODY, ""),
    "and": (both(FRANCE, RICH), "a"),
    "or": (either(RICH, but(FRANCE)), "a c d e"),
    "except": (both(FRANCE, but(RICH)), "b"),
    "neither": (both(but(FRANCE), but(RICH)), "c d e"),
    "2 of 3": (typed.AtLeast(NOWHERE, 2, (FRANCE, RICH, did(events()))), "a b"),
    "the same twice counts twice": (typed.AtLeast(NOWHERE, 2, (RICH, RICH, NOBODY)), "a"),
    "whole sample": (typed.Sample(NOWHERE, Fraction(1), "s"), ALL),
    "empty sample": (typed.Sample(NOWHERE, Fraction(0), "s"), ""),
}

EVENTS = {
    "did purchase": (did(events()), "a b c"),
    "did purchase in last 30 days": (did(events(window=last_days(30))), "a b"),
    "did not purchase": (but(did(events())), "d e"),
    "exactly 0 times in last 30 days": (did(events(window=last_days(30)), 0, 0), "c d e"),
    "at most 1 time": (did(events(), 0, 1), "b c d e"),
    "at least 2 times": (did(events(), 2), "a"),
    "between 1 and 2 times": (did(events(), 1, 2), "b c"),
    "more times than a limit below": (did(events(), 3, 2), ""),
    "any number of times": (did(events(), 0), ALL),
    "any event": (did(events(None)), "a b c d"),
    "any event at least 3 times": (did(events(None), 3), "a b"),
    "any event by moment": (did(events(None, ask(prop(None, "at"), typed.Range(low=NOW)))), "d"),
    "purchase(toy)": (did(events(where=TOYS)), "a"),
    "purchase(not toy)": (did(events(where=but(TOYS))), "a b c"),
    "purchase(toy or not amount set)": (
        did(events(where=either(TOYS, but(ask(prop("purchase", "amount"), typed.IsSet()))))),
        "a b",
    ),
    "purchase(toy) at least 2 times in last 2 days": (did(events(where=TOYS, window=last_days(2)), 2), "a"),
    "a window that ends before it begins": (did(events(window=Between(NOW, NOW - DAY))), ""),
    "purchase(nothing)": (did(events(where=NOBODY)), ""),
}

MEASURES = {
    "count >= 2": (ask(measure(Function.COUNT, events()), typed.Range(low=2)), "a"),
    "count <= 1": (ask(measure(Function.COUNT, events()), typed.Range(high=1)), "b c d e"),
    "count in (0, 3)": (ask(measure(Function.COUNT, events()), typed.OneOf((0, 3))), "a d e"),
    "sum > 12.50": (ask(measure(Function.SUM, events(), "amount"), typed.Range(low=1251)), "a"),
    "sum = 0": (ask(measure(Function.SUM, events(), "amount"), typed.OneOf((0,))), "b d e"),
    "sum in last 30 days": (
        ask(measure(Function.SUM, events(window=last_days(30)), "amount"), typed.Range(low=1250, high=1250)),
        "a",
    ),
    "distinct product": (ask(measure(Function.DISTINCT, events(), "product"), typed.OneOf((2,))), "a"),
    "no product": (ask(measure(Function.DISTINCT, events(), "product"), typed.OneOf((0,))), "c d e"),
    "distinct campaign of two": (
        ask(measure(Function.DISTINCT, events("open"), "campaign"), typed.Range(low=2)),
        "b",
    ),
    "avg is exact": (
        ask(measure(Function.AVG, events(), "amount"), typed.Range(Fraction(1583, 300), Fraction(1583, 300))),
        "a",
    ),
    "min": (ask(measure(Function.MIN, events(), "amount"), typed.Range(high=250)), "a"),
    "max": (ask(measure(Function.MAX, events(), "amount"), typed.OneOf((1000,))), "a c"),
    "first in last 60 days": (ask(measure(Function.FIRST, events()), typed.During(last_days(60))), "b c"),
    "last before 30 days ago": (
        ask(measure(Function.LAST, events()), typed.During(Between(None, NOW - 30 * DAY))),
        "c",
    ),
    "first(product)": (ask(measure(Function.FIRST, events(), "product"), typed.OneOf(("game",))), "a b"),
    "last(product) is not game": (
        but(ask(measure(Function.LAST, events(), "product"), typed.OneOf(("game",)))),
        "a c d e",
    ),
    "last(amount) > 9": (ask(measure(Function.LAST, events(), "amount"), typed.Range(low=901)), "a c"),
    "last(campaign of open) = spring": (
        ask(measure(Function.LAST, events("open"), "campaign"), typed.OneOf(("spring",))),
        "a d",
    ),
    "sum - points > 0": (
        ask(
            typed.Arithmetic(
                NOWHERE, typed.Operator.SUBTRACT, measure(Function.SUM, events(), "amount"), contact("points")
            ),
            typed.Range(low=Fraction(0), low_open=True),
        ),
        "c",
    ),
    "sum / count": (
        ask(
            typed.Arithmetic(
                NOWHERE,
                typed.Operator.DIVIDE,
                measure(Function.SUM, events(), "amount"),
                measure(Function.COUNT, events()),
            ),
            typed.Range(low=Fraction(1583, 300)),
        ),
        "a c",
    ),
    "points > sum": (
        typed.Compare(NOWHERE, ">", contact("points"), measure(Function.SUM, events(), "amount")),
        "a b",
    ),
    "country = last(product)": (
        typed.Compare(NOWHERE, "=", contact("country"), measure(Function.LAST, events(), "product")),
        "",
    ),
    "bucket": (ask(typed.Bucket(NOWHERE, "s", 7), typed.Range(low=0, high=6)), ALL),
}


@pytest.mark.parametrize(
    ("condition", "members"),
    [
        pytest.param(*case, id=name)
        for group in (ATTRIBUTES, COMBINED, EVENTS, MEASURES)
        for name, case in group.items()
    ],
)
def test_construct(twin: Twin, condition: typed.Condition, members: str) -> None:
    assert twin.agreed(condition) == members


def test_samples_and_buckets_follow_the_stable_draw(twin: Twin) -> None:
    for share in (Fraction(1, 3), Fraction(2, 3)):
        twin.agreed(typed.Sample(NOWHERE, share, "spring"))
    for bucket in range(3):
        twin.agreed(ask(typed.Bucket(NOWHERE, "spring", 3), typed.OneOf((bucket,))))


@pytest.mark.parametrize("kind", [typed.CutKind.TOP, typed.CutKind.BOTTOM])
@pytest.mark.parametrize("keep", [0, 1, 2, 4, 9])
def test_cut_by_a_term(twin: Twin, kind: typed.CutKind, keep: int) -> None:
    for term in (contact("points"), measure(Function.COUNT, events(None)), measure(Function.AVG, events(), "amount")):
        twin.agreed(EVERYONE, typed.Cut(NOWHERE, kind, keep, term))


def test_random_cut(twin: Twin) -> None:
    for keep in (0, 2, 9):
        twin.agreed(but(RICH), typed.Cut(NOWHERE, typed.CutKind.RANDOM, keep, seed="x"))


def test_segment_members_and_rules(twin: Twin) -> None:
    twin.segment("french", FRANCE, added=("c",), removed=("b",))
    twin.segment("static", None, added=("d", "e"))
    twin.segment("nested", but(typed.InSegment(NOWHERE, "french")))
    for key, members, rules in (("french", "a c", "a b"), ("static", "d e", ""), ("nested", "b d e", "b d e")):
        assert twin.agreed(typed.InSegment(NOWHERE, key)) == members
        assert twin.agreed(typed.InSegment(NOWHERE, key, rules_only=True)) == rules


def test_a_child_is_narrowed_by_its_parent(twin: Twin) -> None:
    twin.segment("parent", FRANCE, added=("c",), removed=("b",))
    twin.segment("child", did(events()), parent="parent")
    assert twin.agreed(typed.InSegment(NOWHERE, "child")) == "a c"
    assert twin.agreed(typed.InSegment(NOWHERE, "child", rules_only=True)) == "a c"


def test_what_is_used_twice_gives_the_same(twin: Twin) -> None:
    twin.segment("toys", did(events(where=TOYS)), added=("e",))
    toys, often = typed.InSegment(NOWHERE, "toys"), did(events(None), 2)
    assert twin.agreed(either(both(toys, FRANCE), both(but(toys), often), both(toys, but(often)))) == "a b e"


def test_a_cycle_of_segments_is_named(twin: Twin) -> None:
    twin.segment("x", typed.InSegment(NOWHERE, "y"))
    twin.segment("y", FRANCE, parent="x")
    with pytest.raises(RuntimeError, match="x -> y -> x"):
        twin.lowered(typed.InSegment(NOWHERE, "x"))


def test_sums_beyond_64_bits_are_exact(twin: Twin) -> None:
    huge = 2**62 + 1
    for _ in range(5):
        twin.event("purchase", "d", NOW, amount=huge)
    total = measure(Function.SUM, events(), "amount")
    assert twin.agreed(ask(total, typed.OneOf((5 * huge,)))) == "d"
    assert twin.agreed(ask(total, typed.Range(low=5 * huge + 1))) == ""


def test_ties_in_time_go_by_acceptance(twin: Twin) -> None:
    for product in ("first", "second"):
        twin.event("purchase", "e", NOW - DAY, product=product)
    assert twin.agreed(ask(measure(Function.LAST, events(), "product"), typed.OneOf(("second",)))) == "e"
    assert twin.agreed(ask(measure(Function.FIRST, events(), "product"), typed.OneOf(("first",)))) == "e"


def test_distinct_counts_numbers_and_tags(twin: Twin) -> None:
    twin.event("purchase", "e", NOW, amount=1, labels=("new", "Hot"), weight=0.5)
    twin.event("purchase", "e", NOW, amount=10**12, labels=("HOT",), weight=0.5)
    for name, expected in (("amount", 2), ("labels", 2), ("weight", 1)):
        found = twin.agreed(
            both(
                ask(contact("id"), typed.OneOf(("e",))),
                ask(measure(Function.DISTINCT, events(), name), typed.OneOf((expected,))),
            )
        )
        assert found == "e"


def test_a_workspace_without_data_selects_nobody() -> None:
    empty = Twin()
    for condition in (EVERYONE, did(events()), did(events(None), 0, 0), FRANCE, but(FRANCE), RICH):
        assert empty.agreed(condition) == ""
    assert CLOCK.now == NOW


def test_field_types_are_those_of_the_schema() -> None:
    assert contact("created").field == Field("created", Type.DATETIME)
