import gc
from contextlib import suppress
from datetime import date
from decimal import Decimal
from fractions import Fraction

import pytest
from language_examples import SCHEMA, SEGMENTS
from msgspec import Struct

from dsl import typed
from dsl.bounds import LARGEST
from dsl.check import understand
from dsl.moments import Duration, Rolling, Unit
from dsl.problems import ExpressionError
from dsl.reads import reads, segments_used
from dsl.schema import Type
from dsl.typed import (
    Aggregate,
    And,
    AtLeast,
    Compare,
    Contains,
    Did,
    During,
    Everyone,
    ExactlyOneOf,
    HasAll,
    HasAny,
    Nobody,
    Not,
    OfCompany,
    OneOf,
    Or,
    Range,
    Scope,
    Sequence,
)


def condition(text, **params):
    return understand(text, SCHEMA, segments=SEGMENTS, params=params).condition


def predicate(text, **params):
    found = condition(text, **params)
    assert isinstance(found, typed.Test)
    return found.predicate


def codes(text, **params):
    with pytest.raises(ExpressionError) as caught:
        condition(text, **params)
    return [problem.code for problem in caught.value.problems]


# --- numbers are exact ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("points > 30", Range(3001, None)),
        ("points >= 30", Range(3000, None)),
        ("points < 30", Range(None, 2999)),
        ("points <= 30", Range(None, 3000)),
        ("30 < points", Range(3001, None)),
        ("points = 30", OneOf((3000,))),
        ("points > 30.005", Range(3001, None)),
        ("points < 30.005", Range(None, 3000)),
        ("points = 30.005", OneOf(())),
        ("points = -3.5", OneOf((-350,))),
        ("points in (1, 2.5, 2.555, 1)", OneOf((100, 250))),
        ("points between 1.001 and 2", Range(101, 200)),
        ("points between 2 and 1", OneOf(())),
        ("points between 1 and 1", OneOf((100,))),
        ("age > 17.5", Range(18, None)),
        ("points > 1 / 3", Range(34, None)),
        ("points > (1 + 2) * 3 - 4 / 2", Range(701, None)),
        ("points > 99999999999999999999", OneOf(())),
        ("points < 99999999999999999999", Range(None, None)),
        ("score > 0.5", Range(0.5, None, low_open=True)),
        ("score = 0.5", OneOf((0.5,))),
        ("avg(amount of purchase) > 2.5", Range(Fraction(5, 2), None, low_open=True)),
        ("avg(amount of purchase) = 2", Range(Fraction(2), Fraction(2))),
        ("sum(amount of purchase) >= 2", Range(200, None)),
        ("count(purchase) >= 2", Range(2, None)),
        ("points + 1 > 3", Range(Fraction(3), None, low_open=True)),
        ('bucket("x", 10) < 5', Range(None, 4)),
    ],
)
def test_bounds_of_numbers(text, expected):
    assert predicate(text) == expected


def test_bounds_stay_within_physical_numbers():
    assert predicate(f"age <= {LARGEST}") == Range(None, LARGEST)
    assert predicate(f"age >= {LARGEST + 1}") == OneOf(())


def test_floats_end_where_floats_do():
    assert predicate("score < " + " * ".join(["9" * 30] * 12)) == Range(None, float("inf"), high_open=True)


# --- texts, tags, flags --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('country = "Société"', OneOf(("societe",))),
        ('plan = "SOCIETE"', OneOf(("societe",))),
        ('country in ("FR", "fr", "BE")', OneOf(("fr", "be"))),
        ('country is exactly "Fr"', ExactlyOneOf(("Fr",))),
        ('country contains "É"', Contains("e")),
        ('interests has any ("Ski", "ski")', HasAny(("ski",))),
        ('interests has all ("Ski", "vtt")', HasAll(("ski", "vtt"))),
        ("newsletter", OneOf((True,))),
        ("newsletter = false", OneOf((False,))),
    ],
)
def test_predicates_of_texts_tags_and_flags(text, expected):
    assert predicate(text) == expected


@pytest.mark.parametrize(
    ("negative", "positive"),
    [
        ('country != "FR"', 'country = "FR"'),
        ('country not in ("FR")', 'country in ("FR")'),
        ('email not contains "a"', 'email contains "a"'),
        ("email is not set", "email is set"),
        ("did not open in last 7 days", "did open in last 7 days"),
        ("signup not in last year", "signup in last year"),
        ('interests has none ("a")', 'interests has any ("a")'),
        ("none of (newsletter, did open)", "any of (newsletter, did open)"),
        ('company.industry != "x"', 'company.industry = "x"'),
        ("points != age", "points = age"),
    ],
)
def test_negations_are_exact(negative, positive):
    found = condition(negative)
    assert isinstance(found, Not)
    assert bare(found.item) == bare(condition(positive))


def bare(node):
    """A typed node without its spans."""
    if isinstance(node, tuple):
        return tuple(bare(item) for item in node)
    if not isinstance(node, Struct):
        return node
    return type(node), *(bare(getattr(node, name)) for name in node.__struct_fields__ if name != "span")


# --- time ----------------------------------------------------------------------------------------------------


def test_absolute_bounds_are_closed_ranges_and_relative_ones_wait_for_the_clock():
    day = date(2026, 6, 30).toordinal() - date(1970, 1, 1).toordinal()
    assert predicate("expires >= 2026-06-30") == Range(day, None)
    assert predicate("expires > 2026-06-30") == Range(day + 1, None)
    assert predicate("expires = 2026-06-30") == OneOf((day,))
    assert predicate("expires in (2026-06-30, 2026-07-01)") == OneOf((day, day + 1))
    assert predicate("signup on 2026-06-30") == Range(1782770400000, 1782856799999)
    assert predicate("signup = 2026-06-30T00:00Z") == OneOf((1782777600000,))
    assert predicate("signup in last 7 days") == During(Rolling(-7, Unit.DAY))
    assert isinstance(condition("signup in (2026-06-30, yesterday)"), Or)


# --- events and combinations ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("often", "low", "high"),
    [
        ("", 1, None),
        ("at least 3 times", 3, None),
        ("at most 3 times", 0, 3),
        ("exactly 0 times", 0, 0),
        ("more than 3 times", 4, None),
        ("fewer than 3 times", 0, 2),
        ("between 2 and 5 times", 2, 5),
        ("at least $n times", 2, None),
    ],
)
def test_how_often(often, low, high):
    found = condition(f"did purchase {often}", **({"n": 2} if "$" in often else {}))
    assert isinstance(found, Did)
    assert (found.low, found.high) == (low, high)


def test_counts_that_cannot_tell():
    assert isinstance(condition("did open at least 0 times"), Everyone)
    assert isinstance(condition("did open fewer than 0 times"), Nobody)
    assert isinstance(condition("did open between 5 and 2 times"), Nobody)


def test_quorums_are_made_of_at_least_and_not():
    both = condition("exactly 1 of (newsletter, did open)")
    assert isinstance(both, And)
    assert [type(item) for item in both.items] == [AtLeast, Not]
    assert isinstance(condition("at most 2 of (newsletter, did open)"), Everyone)
    none = condition("exactly 0 of (newsletter, did open)")
    assert isinstance(none, Not)
    assert none.item.count == 1


def test_except_is_and_not():
    assert bare(condition("newsletter except did open")) == bare(condition("newsletter and not did open"))


def test_company_fields_are_read_through_the_link():
    found = condition("company.size > 5")
    assert isinstance(found, OfCompany)
    assert found.item.term.scope is Scope.COMPANIES
    assert isinstance(condition("company is set"), OfCompany)


def test_two_varying_sides_are_compared():
    found = condition("last(purchase) > signup")
    assert isinstance(found, Compare)
    assert isinstance(found.left, Aggregate)
    assert isinstance(condition("age between points and score"), And)


def test_sequences_keep_steps_gaps_and_shared_values():
    found = condition(
        'did send(campaign = "a") then open(campaign = same campaign and id is set) within 2 days'
        " then not click within 1 month in last 30 days"
    )
    assert isinstance(found, Sequence)
    first, second, third = found.steps
    assert first.selector.window == Rolling(-30, Unit.DAY)
    assert (second.within_ms, second.within) == (2 * 86_400_000, Duration(2, Unit.DAY))
    assert second.correlations[0].property.name == "campaign"
    assert isinstance(second.selector.where, typed.Test)
    assert (third.absent, third.within_ms, third.within) == (True, None, Duration(1, Unit.MONTH))


# --- parameters ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "value", "expected"),
    [
        ("country = $x", "Fr", OneOf(("fr",))),
        ("country in $x", ["FR", "BE"], OneOf(("fr", "be"))),
        ("country in ($x)", "FR", OneOf(("fr",))),
        ("country in $x", [], OneOf(())),
        ("interests has any $x", ["a"], HasAny(("a",))),
        ("interests has $x", "a", HasAny(("a",))),
        ("points > $x", 30, Range(3001, None)),
        ("points > $x", 30.5, Range(3051, None)),
        ("points = $x", Decimal("0.1"), OneOf((10,))),
        ("newsletter = $x", True, OneOf((True,))),
        ("expires = $x", "1970-01-02", OneOf((1,))),
        ("expires = $x", date(1970, 1, 2), OneOf((1,))),
        ("signup = $x", "1970-01-01T00:00:01Z", OneOf((1000,))),
        ("signup in last $x days", 7, During(Rolling(-7, Unit.DAY))),
    ],
)
def test_parameters_are_typed_values(text, value, expected):
    assert predicate(text, x=value) == expected


@pytest.mark.parametrize(
    ("text", "value", "code"),
    [
        ("points > $x", "30", "type-mismatch"),
        ("points > $x", True, "type-mismatch"),
        ("points > $x", None, "type-mismatch"),
        ("points > $x", float("nan"), "type-mismatch"),
        ("points > $x", 10**2000, "type-mismatch"),
        ("points > $x", 1e308, None),
        ("country = $x", 3, "type-mismatch"),
        ("country = $x", ["a"], "type-mismatch"),
        ("country = $x", {"a": 1}, "type-mismatch"),
        ("country = $x", "\ud800", "bad-character"),
        ("expires = $x", "2026-02-30", "no-such-date"),
        ("expires = $x", "soon", "type-mismatch"),
        ("plan = $x", "Por", "unknown-option"),
        ('country = "x"', 3, "unused-parameter"),
    ],
)
def test_parameters_that_do_not_fit(text, value, code):
    if code is None:
        condition(text, x=value)
    else:
        assert codes(text, x=value) == [code]


def test_missing_parameters_are_told_once_beside_the_rest():
    assert codes("country = $a and points > $b and pionts > 3") == ["missing-parameter"] * 2 + ["unknown-field"]


# --- reading the typed tree ----------------------------------------------------------------------------------


def test_what_an_expression_reads():
    text = (
        'in segment nl and not matches segment "Femmes" and points > age and company.size > 1'
        ' and did purchase(category = "x") and sum(amount of refund) > 3 and did any event'
    )
    found = reads(understand(text, SCHEMA, segments=SEGMENTS))
    assert found.segments == segments_used(understand(text, SCHEMA, segments=SEGMENTS)) == {"nl", "femmes"}
    assert found.contacts == {"points", "age"}
    assert found.companies == {"size"}
    assert found.events == {"purchase", "refund", None}
    assert found.properties == {("purchase", "category"), ("refund", "amount")}


def test_a_cut_reads_too():
    assert reads(understand("everyone top 3 by points", SCHEMA)).contacts == {"points"}


def test_constants_in_arithmetic_are_exact():
    found = condition("points * 0.1 > 3")
    assert found.term.right == typed.Constant(found.term.right.span, Type.NUMBER, Fraction(1, 10))


@pytest.mark.parametrize("text", ["points > 5 and did open", "count(open) > 5", "points > 5 and nothing = 3"])
def test_a_check_leaves_nothing_for_the_garbage_collector(text):
    understood(text)
    gc.collect()
    gc.disable()
    try:
        understood(text)
        assert gc.collect() == 0
    finally:
        gc.enable()


def understood(text):
    with suppress(ExpressionError):
        understand(text, SCHEMA, segments=SEGMENTS)
