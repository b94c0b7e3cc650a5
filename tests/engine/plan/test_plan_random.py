"""Random data and random conditions: engine and oracle agree, whichever way the engine is asked."""

from __future__ import annotations

import random
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from dsl import typed
from dsl.moments import Unit
from dsl.problems import NOWHERE
from dsl.typed import AggregateFunction as Function
from dsl.typed import Scope
from tests.engine.plan.test_plan_constructs import Between, ask, but, contact, measure, prop
from tests.engine.plan.twin import DAY, NOW, Twin

COUNTRIES = ("FR", "fr", "Bé", "be", None)
PRODUCTS = ("toy", "Toy", "game", None)


def filled(seed: int) -> Twin:
    """A workspace with up to 12 contacts, some erased, and up to 40 events."""
    chance = random.Random(seed)
    twin = Twin()
    for number in range(chance.randrange(13)):
        company = chance.choice(("acme", "bolt", None))
        tags = tuple(chance.sample(("Ski", "vtt", "ski jump"), chance.randrange(3)))
        values = {
            "country": chance.choice(COUNTRIES),
            "points": chance.choice((None, -100, 0, 250, 3100)),
            "birthdate": chance.choice((None, 11_016, 12_000, 20_700)),
            "signup": chance.choice((None, NOW, NOW - DAY, NOW - 40 * DAY)),
            "interests": tags,
        }
        twin.contact(f"c{number}", company, **values)
    twin.company("acme", industry="Toys", staff=5)
    ids = list(twin.world.contacts)
    for _ in range(chance.randrange(40) if ids else 0):
        at = NOW - chance.choice((0, 1, DAY, 2 * DAY, 2 * DAY, 30 * DAY, 31 * DAY, 400 * DAY))
        if chance.random() < 0.7:
            amount, weight = chance.choice((None, -50, 0, 100, 999)), chance.choice((None, 0.5, 2.0))
            product = chance.choice(PRODUCTS)
            twin.event("purchase", chance.choice(ids), at, amount=amount, weight=weight, product=product)
        else:
            twin.event("open", chance.choice(ids), at, campaign=chance.choice(("Spring", None)))
    for id in chance.sample(ids, chance.randrange(3) if len(ids) > 2 else 0):
        twin.erase(id)
    return twin


ends = st.sampled_from((None, NOW - 400 * DAY, NOW - 30 * DAY, NOW - DAY, NOW, NOW + 1))
windows = st.none() | st.builds(Between, ends, ends)
functions = st.sampled_from((Function.SUM, Function.AVG, Function.MIN, Function.MAX, Function.DISTINCT, Function.LAST))
numbers = st.sampled_from((-100, 0, 1, 2, 3, 250, 999, 1000))
texts = st.lists(st.sampled_from(("fr", "be", "toy", "game")), max_size=2).map(lambda v: typed.OneOf(tuple(v)))
ranges = st.builds(typed.Range, low=st.none() | numbers, high=st.none() | numbers)
exact = st.builds(
    typed.Range,
    low=st.none() | st.fractions(-5, 20, max_denominator=6),
    high=st.none() | st.fractions(-5, 20, max_denominator=6),
    low_open=st.booleans(),
    high_open=st.booleans(),
)


def combined(leaves: st.SearchStrategy[typed.Condition]) -> st.SearchStrategy[typed.Condition]:
    """and, or, not and k-of-n over the leaves."""

    def grow(inner: st.SearchStrategy[typed.Condition]) -> st.SearchStrategy[typed.Condition]:
        items = st.lists(inner, min_size=1, max_size=3).map(tuple)
        k_of_n = items.flatmap(
            lambda some: st.integers(1, len(some)).map(lambda k: typed.AtLeast(NOWHERE, k, some)),
        )
        return (
            items.map(lambda some: typed.And(NOWHERE, some))
            | items.map(lambda some: typed.Or(NOWHERE, some))
            | inner.map(but)
            | k_of_n
        )

    return st.recursive(leaves, grow, max_leaves=6)


purchase_tests = st.one_of(
    texts.map(lambda p: ask(prop("purchase", "product"), p)),
    ranges.map(lambda p: ask(prop("purchase", "amount"), p)),
    ranges.map(lambda _: ask(prop("purchase", "weight"), typed.IsSet())),
    st.builds(Between, ends, ends).map(lambda w: ask(prop("purchase", "at"), typed.During(w))),
    st.just(typed.Compare(NOWHERE, "<", prop("purchase", "weight"), prop("purchase", "amount"))),
)
selectors = st.one_of(
    st.builds(typed.Selector, st.just(NOWHERE), st.just("purchase"), st.none() | combined(purchase_tests), windows),
    st.builds(typed.Selector, st.just(NOWHERE), st.sampled_from((None, "open")), st.none(), windows),
)
purchases = selectors.filter(lambda selector: selector.event == "purchase")
amounts = st.builds(measure, functions, purchases, st.just("amount"))
number_terms = st.one_of(
    st.just(contact("points")),
    amounts,
    selectors.map(lambda s: measure(Function.COUNT, s)),
    st.just(typed.Bucket(NOWHERE, "s", 5)),
    st.just(typed.Constant(NOWHERE, typed.Type.NUMBER, Fraction(5, 2))),
)
arithmetic = st.builds(typed.Arithmetic, st.just(NOWHERE), st.sampled_from(typed.Operator), number_terms, number_terms)


def asked(term: typed.Term) -> st.SearchStrategy[typed.Condition]:
    fractional = isinstance(term, typed.Aggregate) and term.function is Function.AVG
    return (exact if fractional else ranges).map(lambda range: ask(term, range))


conditions = combined(
    st.one_of(
        texts.map(lambda p: ask(contact("country"), p)),
        ranges.map(lambda p: ask(contact("points"), p)),
        st.builds(Between, ends, ends).map(lambda w: ask(contact("signup"), typed.During(w))),
        st.builds(Between, ends, ends).map(lambda w: ask(contact("birthdate"), typed.Anniversary(w))),
        st.sampled_from(typed.Part)
        .filter(lambda part: part is not typed.Part.HOUR)
        .flatmap(lambda part: asked(typed.DatePart(NOWHERE, part, contact("birthdate")))),
        st.sampled_from(typed.Part).flatmap(lambda part: asked(typed.DatePart(NOWHERE, part, contact("signup")))),
        st.just(ask(contact("interests"), typed.HasAny(("ski",)))),
        texts.map(lambda p: typed.OfCompany(NOWHERE, but(ask(company_industry(), p)))),
        st.builds(typed.Did, st.just(NOWHERE), selectors, st.integers(0, 3), st.none() | st.integers(0, 4)),
        amounts.flatmap(asked),
        selectors.flatmap(lambda s: asked(measure(Function.COUNT, s))),
        st.builds(Between, ends, ends).flatmap(
            lambda w: selectors.map(lambda s: ask(measure(Function.FIRST, s), typed.During(w)))
        ),
        texts.flatmap(lambda p: purchases.map(lambda s: ask(measure(Function.LAST, s, "product"), p))),
        exact.flatmap(lambda range: arithmetic.map(lambda term: ask(term, range))),
        st.builds(typed.Compare, st.just(NOWHERE), st.sampled_from(("=", "<", "<=", ">", ">=")), arithmetic, amounts),
        st.fractions(0, 1, max_denominator=5).map(lambda share: typed.Sample(NOWHERE, share, "s")),
        st.builds(
            typed.Regularity,
            st.just(NOWHERE),
            selectors,
            st.integers(0, 3),
            st.none() | st.integers(0, 3),
            st.integers(1, 4),
            st.sampled_from((Unit.DAY, Unit.MONTH)),
        ),
    )
)


def company_industry() -> typed.FieldTerm:
    return typed.FieldTerm(NOWHERE, Scope.COMPANIES, Twin().state.schema.companies["industry"])


@settings(max_examples=150)
@given(seed=st.integers(0, 2**32), condition=conditions)
def test_engine_and_oracle_agree(seed: int, condition: typed.Condition) -> None:
    filled(seed).agreed(condition)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 2**32),
    condition=conditions,
    term=number_terms,
    keep=st.integers(0, 8),
    kind=st.sampled_from((typed.CutKind.TOP, typed.CutKind.BOTTOM)),
)
def test_cuts_agree(seed: int, condition: typed.Condition, term: typed.Term, keep: int, kind: typed.CutKind) -> None:
    filled(seed).agreed(condition, typed.Cut(NOWHERE, kind, keep, term))
