from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from language_examples import EXAMPLES

from dsl import tree
from dsl.format import WIDTH, format
from dsl.lexing import WORDS
from dsl.moments import Unit
from dsl.parse import parse
from dsl.problems import NOWHERE
from dsl.typed import AggregateFunction, CutKind, Operator, Part


def node(kind, *parts):
    return st.builds(kind, st.just(NOWHERE), *parts)


def tuples(items, low=1, high=3):
    return st.lists(items, min_size=low, max_size=high).map(tuple)


# --- values --------------------------------------------------------------------------------------------------

characters = st.characters(exclude_categories=["Cs"], exclude_characters="`\n")
names = st.sampled_from(sorted(WORDS)) | st.sampled_from(["points", "civilité", "Date d'ajout", "a.b", "né"])
names = (names | st.text(characters, min_size=1, max_size=4)).filter(lambda name: name == name.strip())
identifiers = node(tree.Identifier, names)
texts = node(tree.Text, st.text(st.characters(exclude_categories=["Cs"]), max_size=6))
numbers = node(tree.Number, st.decimals(0, 10**6, places=2) | st.integers(0, 9999).map(Decimal))
parameters = node(tree.Parameter, st.sampled_from(["country", "n", "été"]))
counts = numbers | parameters
units = st.sampled_from(Unit)
durations = node(tree.Duration, counts, units)
whiches = st.sampled_from([tree.Which.LAST, tree.Which.NEXT])
days = node(tree.Day, st.dates().map(lambda day: day.isoformat()))
months = node(tree.Month, st.just("2026-06"))
named = node(tree.NamedMoment, st.sampled_from(tree.Moment))
periods = (
    numbers
    | days
    | months
    | named
    | node(tree.CalendarPeriod, st.sampled_from(tree.Which), units)
    | node(tree.RollingPeriod, whiches, durations)
)
instants = node(
    tree.Instant, st.sampled_from(["2026-06-30T14:00", "2026-06-30T14:00:05.123Z", "2026-06-30T14:00+02:00"])
)
fields = node(tree.FieldName, identifiers) | node(tree.FieldName, identifiers, identifiers)
leaves = texts | counts | node(tree.Boolean, st.booleans()) | fields | periods | instants | durations
leaves = leaves | node(tree.Ago, durations, st.booleans()) | node(tree.Same, identifiers)
buckets = node(tree.Bucket, texts, counts)
ADDING, MULTIPLYING = (Operator.ADD, Operator.SUBTRACT), (Operator.MULTIPLY, Operator.DIVIDE)


@st.composite
def arithmetic(draw, operands):
    parts = draw(tuples(operands, 2, 3))
    operator = st.sampled_from(draw(st.sampled_from([ADDING, MULTIPLYING])))
    return tree.Arithmetic(NOWHERE, tuple(draw(operator) for _ in parts[1:]), parts)


def larger_values(inner):
    return (
        arithmetic(inner)
        | node(tree.Negative, inner)
        | node(tree.DatePart, st.sampled_from(Part), inner)
        | buckets
        | node(tree.Aggregate, st.sampled_from(AggregateFunction), st.none() | identifiers, selectors(inner))
    )


# --- conditions ----------------------------------------------------------------------------------------------


def timings(value):
    simple = [tree.When.SINCE, tree.When.BEFORE, tree.When.AFTER, tree.When.ON]
    return (
        node(tree.Timing, st.just(tree.When.IN), periods)
        | node(tree.Timing, st.sampled_from(simple), value)
        | node(tree.Timing, st.just(tree.When.BETWEEN), value, value)
    )


def selectors(condition, timed=True):
    timing = st.none() | timings(leaves) if timed else st.none()
    return node(tree.Selector, st.none() | identifiers, st.none() | condition, timing)


def frequencies(value):
    plain = [tree.Bound.AT_LEAST, tree.Bound.AT_MOST, tree.Bound.EXACTLY]
    whole = [*plain, tree.Bound.MORE, tree.Bound.FEWER]
    counted = node(tree.Frequency, st.sampled_from(plain), counts)
    times = node(tree.Frequency, st.sampled_from(whole), counts)
    return counted, times | node(tree.Frequency, st.just(tree.Bound.BETWEEN), value, value)


values = st.recursive(leaves, larger_values, max_leaves=6)
negated = st.booleans()
patterns = (
    node(tree.Regex, st.sampled_from(["^a", "a/b", r"\d+\.", "é{2}", r"a\\"]), st.booleans()) | texts | parameters
)
lists = node(tree.Values, tuples(values)) | parameters
periodic = node(tree.Timing, st.just(tree.When.IN), periods)
onwards = node(tree.Timing, st.sampled_from([tree.When.SINCE, tree.When.BEFORE, tree.When.AFTER, tree.When.ON]), values)
tests = st.one_of(
    values,
    node(tree.Comparison, st.sampled_from(tree.Comparator), values, values),
    node(tree.Exactly, values, texts | parameters, negated),
    node(tree.Among, values, lists, negated),
    node(tree.Between, values, values, values, negated),
    node(tree.Timed, values, periodic, negated),
    node(tree.Timed, values, onwards),
    node(tree.Anniversary, values, periodic, negated),
    node(tree.Textual, st.sampled_from(tree.TextTest), values, texts | parameters, negated),
    node(tree.Matches, values, patterns, negated),
    node(tree.IsSet, values, negated),
    node(tree.Has, values, st.none(), texts | parameters, negated),
    node(tree.Has, values, st.sampled_from(tree.Quantifier), lists, negated),
    node(tree.Everyone),
    node(tree.Nobody),
    node(tree.Sample, numbers, texts),
    node(tree.InSegment, identifiers | texts, st.booleans()),
)


@st.composite
def conjunctions(draw, inner):
    first, *others = draw(tuples(inner, 2, 4))
    return tree.Both(
        NOWHERE, (first, *(tree.Except(NOWHERE, item) if draw(st.booleans()) else item for item in others))
    )


def larger_conditions(inner):
    counted, times = frequencies(values)
    step = node(tree.Step, selectors(inner, timed=False), st.none() | durations, st.booleans())
    return (
        conjunctions(inner)
        | node(tree.Either, tuples(inner, 2, 4))
        | node(tree.Not, inner)
        | node(tree.Quorum, counted | st.sampled_from(tree.Quantifier), tuples(inner))
        | node(tree.Did, selectors(inner), st.none() | times, negated)
        | node(tree.Regularity, selectors(inner, timed=False), counted, durations, negated)
        | node(tree.Sequence, selectors(inner), tuples(step), negated)
        | node(tree.Comparison, st.sampled_from(tree.Comparator), inner, inner)
    )


conditions = st.recursive(tests, larger_conditions, max_leaves=8)
cuts = node(tree.Cut, st.sampled_from([CutKind.TOP, CutKind.BOTTOM]), counts, values) | node(
    tree.Cut, st.just(CutKind.RANDOM), counts, st.none(), texts
)
selections = node(tree.Selection, conditions, st.none() | cuts)


@settings(max_examples=200)
@given(selections)
def test_format_says_the_same_and_is_a_fixed_point(selection):
    text = format(selection)
    assert parse(text) == selection
    assert format(parse(text)) == text


@settings(max_examples=50)
@given(tuples(tests | larger_conditions(tests), 3, 6))
def test_long_expressions_too(items):
    selection = tree.Selection(NOWHERE, tree.Either(NOWHERE, items))
    text = format(selection)
    assert parse(text) == selection
    assert format(parse(text)) == text


@pytest.mark.parametrize("text", EXAMPLES)
def test_examples_keep_their_meaning(text):
    assert parse(format(parse(text))) == parse(text)


def formatted(text):
    shown = format(parse(text))
    assert format(parse(shown)) == shown
    return shown


def test_spelling_is_canonical():
    assert formatted("  ((points>1_000))  AND `country`='FR'") == 'points > 1000 and country = "FR"'
    assert formatted("email is known or email is unknown") == "email is set or email is not set"
    assert formatted("did open in last 1 days") == "did open in last 1 day"
    assert formatted("not (a or b)") == "not (a or b)"
    assert formatted("`month` = 3 and `a b` = 2") == "`month` = 3 and `a b` = 2"


def test_long_expressions_are_broken_at_their_outermost_joints():
    text = (
        'country in ("FR", "BE") and (did purchase(amount > 50 and category in ("toys", "games", "books"))'
        " in last 90 days or points > 1000) except in segment nl"
    )
    assert formatted(text).splitlines() == [
        'country in ("FR", "BE")',
        "and (",
        '    did purchase(amount > 50 and category in ("toys", "games", "books")) in last 90 days',
        "    or points > 1000",
        ")",
        "except in segment nl",
    ]


def test_a_long_list_is_filled():
    text = formatted("country in (" + ", ".join(f'"{n:05}"' for n in range(40)) + ")")
    assert all(len(line) <= WIDTH for line in text.splitlines())
    assert len(text.splitlines()) < 10


def test_comments_are_kept():
    text = '# who\ncountry = "FR" # France\n  and did open\n # much\n and points > 3 # end\ntop 3 by points\n#last'
    assert formatted(text).splitlines() == [
        "# who",
        "# France",
        'country = "FR"',
        "and did open",
        "# much",
        "# end",
        "and points > 3",
        "top 3 by points",
        "#last",
    ]


@given(st.sampled_from([e for e in EXAMPLES if "/" not in e and '"' not in e and "'" not in e]), st.data())
def test_no_comment_is_ever_lost(text, data):
    words = text.split(" ")
    spots = sorted(data.draw(st.sets(st.integers(0, len(words)), max_size=3)))
    comments = [f"# {number}" for number in range(len(spots))]
    for number, spot in reversed(list(enumerate(spots))):
        words.insert(spot, f"{comments[number]}\n")
    shown = format(parse(" ".join(words)))
    assert parse(shown) == parse(text)
    assert sorted(line for line in shown.splitlines() if line.startswith("#")) == comments
    assert format(parse(shown)) == shown
