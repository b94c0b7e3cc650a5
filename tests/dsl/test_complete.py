"""Completion: what may come at a cursor, and that it may."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from types import MappingProxyType

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from dsl.automaton import Stack, automaton
from dsl.check import understand
from dsl.complete import Counted, Held, Kind, Source, complete
from dsl.complete.prefix import reached
from dsl.complete.slot import Want, slot_of
from dsl.folding import fold
from dsl.lexing import END, Token, next_token
from dsl.moments import Clock
from dsl.parse import LIMITS, read
from dsl.problems import DataError, ExpressionError, Problem
from dsl.schema import Field, Schema, Type
from dsl.schema_json import schema_from_json
from tests.properties.expressions import Writer
from tests.properties.worlds import SCHEMA as WORLD


def fields(**types: Type) -> MappingProxyType[str, Field]:
    return MappingProxyType({name: Field(name, type) for name, type in types.items()})


SCHEMA = Schema(
    "Europe/Paris",
    MappingProxyType(
        {
            **fields(country=Type.TEXT, points=Type.NUMBER, height=Type.FLOAT, newsletter=Type.BOOLEAN),
            **fields(birthdate=Type.DATE, signup=Type.DATETIME, interests=Type.TAGS, set=Type.TEXT),
            "title": Field("title", Type.CHOICE, options=("Madame", "Monsieur")),
            "Date d'ajout": Field("Date d'ajout", Type.DATE, label="Added"),
        }
    ),
    fields(industry=Type.TEXT, size=Type.NUMBER),
    MappingProxyType(
        {
            "purchase": fields(amount=Type.NUMBER, category=Type.TEXT, gift=Type.BOOLEAN),
            "open": fields(campaign=Type.TEXT),
        }
    ),
)
SEGMENTS = {"femmes": "Femmes", "nl": 'Clients "NL"'}
TEXTS = {
    "country": {"France": 50, "Finland": 7, "Belgium": 20, "New Zealand": 3},
    "title": {"Madame": 4},
    "interests": {"ski": 9, "vtt": 8},
    "category": {"toys": 30, "games": 40},
}


@dataclass(frozen=True)
class Data:
    """Values as an engine gives them, though it may give more than fit."""

    def held(self, source: Source, typed: str, limit: int) -> list[Held]:
        if source.field.type is Type.BOOLEAN:
            return [Held(True, 5), Held(False, 2)]
        counted = Counted.EVENTS if source.event else Counted.CONTACTS
        return [Held(text, count, counted) for text, count in TEXTS.get(source.field.name, {"é": 1}).items()]

    def did(self, event: str) -> int:
        return {"purchase": 10, "open": 20}.get(event, 0)


def at(marked: str, limit: int = 1000):
    """The completion where `|` stands, or at the end."""
    cursor = marked.find("|")
    text = marked.replace("|", "", 1)
    return complete(text, len(text) if cursor < 0 else cursor, SCHEMA, Data(), segments=SEGMENTS, limit=limit)


def offered(marked: str, limit: int = 1000) -> list[str]:
    return [item.text for item in at(marked, limit).items]


@pytest.mark.parametrize(
    ("marked", "there", "absent"),
    [
        ("", "did|in segment|country|`Date d'ajout`|`set`|company.size|not|count(|(", "and|=|true|open"),
        ("country ", "=|!=|in (|starts with|is set|is not set", "<|has|before|and|)"),
        ("country is ", "set|not set|exactly", "is set|=|in ("),
        ("country not ", "in (|contains", "between|did"),
        ("points ", "=|>|between|in (|+", "contains|before|and"),
        ("points > ", "height|count(|sum(|year of|first(", "country|did|true|company.size|days"),
        ("points > $limit or points < ", "$limit|height", ""),
        ("points > 3 ", "and|or|except|top|+", "=|days|is set"),
        ("points between 3 ", "and|+", "or|top"),
        ("signup ", "in last|before|anniversary in next|is set", "contains|has|and"),
        ("signup in last ", "7 days|week|month", "signup|today"),
        ("signup in last 3 ", "days|months", "and|ago"),
        ("signup since ", "today|yesterday|7 days ago|last|this", "birthdate|points|true"),
        ("newsletter ", "and|or|=|is set", "<|contains"),
        ("newsletter = ", "true|false", "country|today"),
        ("interests ", "has|has any (|is set", "=|contains|and"),
        ("did ", "purchase|open|any event|not", "country|did"),
        ("did any ", "event", "purchase|at least"),
        ("did purchase ", "at least|in last|then|and|(", "=|is set|within"),
        ("did purchase then open ", "within|then|and", "at least"),
        ("did purchase(", "amount|category|not", "country|did|in segment|count(|company.size"),
        ("did purchase(amount ", ">|between", "contains|)"),
        ("did purchase(amount > 3 ", "and|)", ">|days"),
        ("did purchase(gift ", ")|and|=", ">"),
        ("did purchase then open(campaign = ", "same category", "same amount"),
        ("sum(", "amount of purchase", "category of purchase|open|any event"),
        ("sum(am| of purchase)", "amount", "amount of purchase"),
        ("sum(amount ", "of purchase", "of open|at least|)"),
        ("sum(amount of ", "purchase", "open|any event"),
        ("count(", "purchase|open|any event", "amount of purchase"),
        ("hour of ", "signup|last(", "birthdate|points"),
        ("month of last(", "purchase|`at` of open", "amount of purchase"),
        ("everyone top 10 by ", "points|signup|sum(", "country"),
        ("company.", "industry|size|id", "points|did"),
        ("company.size > ", "", "points|count("),
        ("at ", "least|most", "country"),
        ("at least 2 of (newsletter, ", "did|country", ")"),
        ("in segment ", '"Femmes"|"Clients \\"NL\\""', "country"),
        ("(points ", ")|>|+", "and"),
        ("points > (height ", ")|+", ">|and|is set"),
    ],
)
def test_what_is_offered_and_what_is_not(marked, there, absent):
    texts = offered(marked)
    assert set(filter(None, there.split("|"))) <= set(texts)
    assert not set(filter(None, absent.split("|"))) & set(texts)


def test_values_come_with_how_many_have_them_most_first():
    items = at("country = ").items
    values = [(item.text, item.count) for item in items if item.kind is Kind.VALUE]
    assert values == [('"France"', 50), ('"Belgium"', 20), ('"Finland"', 7), ('"New Zealand"', 3)]
    assert {item.counted for item in items if item.kind is Kind.VALUE} == {Counted.CONTACTS}
    events = [item for item in at("did purchase(category = ").items if item.kind is Kind.VALUE]
    assert [(item.text, item.count, item.counted) for item in events] == [
        ('"games"', 40, Counted.EVENTS),
        ('"toys"', 30, Counted.EVENTS),
    ]


def test_what_is_typed_orders_and_filters_without_case_or_accents():
    assert offered('country = "F') == ['"France"', '"Finland"']
    assert offered('country = "lAn') == ['"Finland"', '"New Zealand"']
    assert offered('country = "zea') == ['"New Zealand"']
    assert offered('country = "farn') == ['"France"'], "what is nearly so comes when nothing fits"
    assert offered("pôi") == ["points"]
    assert offered("contry") == ["country"]
    assert offered("add") == ["`Date d'ajout`"], "a field is known by its label too"


def test_options_nobody_has_are_offered_without_a_count():
    assert [(item.text, item.count) for item in at('title = "m').items] == [('"Madame"', 4), ('"Monsieur"', None)]


def test_what_a_list_has_already_is_not_offered_again():
    assert offered('country in ("FRANCE", "Belgium", "') == ['"Finland"', '"New Zealand"']
    assert offered('interests has any ("ski", ')[0] == '"vtt"'


@pytest.mark.parametrize(
    ("marked", "replaced"),
    [
        ("co|untry = 3", "country"),
        ("country|", "country"),
        ("points > 3 an|", "an"),
        ("country = 'fra|nce' and x", "'france'"),
        ('country = "fra|', '"fra'),
        ('country = "fr|a and points > 3', '"fra'),
        ('country = "fr| and title = "x"', '"fr'),
        ("`Date d|'ajout` is set", "`Date d'ajout`"),
        ("`Dat|e and x", "`Date"),
        ("points > $li|mit", "$limit"),
        ("company.ind|ustry = 3", "industry"),
        ("country = |and x", ""),
        ('country = "FR" |', ""),
        ("points > 3\nand cou|ntry\nand x", "country"),
        ("country !|", "!"),
    ],
)
def test_a_completion_replaces_the_word_text_or_name_around_the_cursor(marked, replaced):
    found = at(marked)
    assert marked.replace("|", "", 1)[found.start : found.end] == replaced


def test_nothing_is_offered_in_comments_and_regular_expressions():
    assert offered("points > 3 # an|d more") == []
    assert offered("country matches /a|b/") == []
    assert "and" in offered("points > 3 # more\n")


def test_the_form_that_is_begun_is_kept():
    assert offered("`poi") == ["points"]
    assert offered("country = `F") == []
    assert offered("points > $lim| and height < $limit") == ["$limit"]
    assert offered('points > "') == []


def test_an_item_stands_apart_from_what_it_would_touch():
    assert " and " in offered('country = "FR"|or newsletter')
    assert ")" in offered('(country = "FR"|')


@pytest.mark.parametrize(
    ("marked", "there"),
    [
        ('country == == "x" and po', "points"),
        ("contry FR and foo bar and poi", "points"),
        ("points > and cou", "country"),
        ('country in ("FR", and cou', "country"),
        ("(points > or cou", "country"),
        ("))) %% ~ and cou", "country"),
        ('country = "never closed\n and cou', "country"),
        ("did purchase(amount > ) and cou", "country"),
        ("did purchase(amount > and cat", "category"),
    ],
)
def test_after_broken_text_completion_goes_on(marked, there):
    assert there in offered(marked)


def test_a_cursor_outside_and_a_text_too_long_are_refused():
    with pytest.raises(DataError) as refused:
        complete("x", 2, SCHEMA, Data())
    assert refused.value.problems[0].path == "$.cursor"
    with pytest.raises(ExpressionError) as long:
        complete("x" * (LIMITS.length + 1), 0, SCHEMA, Data())
    assert long.value.problems[0].code == "too-long"


# --- what holds of every text ---

WORLD_SCHEMA = schema_from_json(WORLD)
NOISE = (
    "and",
    "or",
    "(",
    ")",
    '"',
    "'",
    "`",
    "=",
    "in",
    "did",
    "#",
    "\n",
    "/",
    "$",
    "not",
    "%",
    "é",
    "\ud800",
    ",",
    "3",
)
seeds = st.integers(0, 1 << 32)


def expression(seed: int) -> str:
    return Writer(Random(seed), Clock(1_700_000_000_000, WORLD_SCHEMA.zone)).expression()


WORLD_SEGMENTS = {"hand": "hand", "rules": "rules", "child": "child"}


def complete_world(text: str, cursor: int):
    return complete(text, cursor, WORLD_SCHEMA, Data(), segments=WORLD_SEGMENTS)


def problems_of(text: str, schema: Schema, segments: dict[str, str]) -> tuple[Problem, ...]:
    try:
        understand(text, schema, segments=segments)
    except ExpressionError as error:
        return error.problems
    return ()


def tokens_of(text: str) -> list[Token] | None:
    """Its tokens, when it is the beginning of an expression."""
    stack = Stack(automaton())
    found = [next_token(text, 0, stack.row)]
    while found[-1].type != END:
        if not stack.feed(found[-1]):
            return None
        found.append(next_token(text, found[-1].end, stack.row))
    return found[:-1]


def test_digits_keep_apart_from_a_datetime_whose_offset_is_begun():
    text = "seen between 2026-11-14T22:13:20.000+"
    spans = [item.text for item in complete_world(text, len(text)).items if item.text.strip() == "7 days"]
    assert spans == [" 7 days"]


@settings(max_examples=80, deadline=None)
@given(seeds, st.floats(0, 1))
def test_whatever_is_inserted_leaves_the_beginning_of_an_expression(seed, share):
    text = expression(seed)
    cursor = int(share * len(text))
    found = complete_world(text, cursor)
    assert 0 <= found.start <= cursor <= found.end <= len(text)
    for item in found.items:
        assert tokens_of(text[: found.start] + item.text) is not None, (text[: found.start], item.text)


@settings(max_examples=200, deadline=None)
@given(
    seeds, st.lists(st.tuples(st.floats(0, 1), st.integers(0, 5), st.sampled_from(NOISE)), max_size=4), st.floats(0, 1)
)
def test_no_text_is_too_broken(seed, wounds, share):
    text = expression(seed)
    for place, cut, noise in wounds:
        start = int(place * len(text))
        text = text[:start] + noise + text[start + cut :]
    cursor = int(share * len(text))
    found = complete_world(text, cursor)
    assert 0 <= found.start <= cursor <= found.end <= len(text)


@pytest.mark.parametrize(
    "piece",
    [
        "(",
        "1 + (",
        "(1 + ",
        "month of ",
        "sum(",
        "- ",
        "not ",
        "a = -(",
        "did a(",
        "in (a, ",
        "any of (",
        "did a then ",
        "1 + ",
    ],
)
def test_the_deepest_nests_are_no_trouble(piece):
    for closing in ("", "x ", "x" + ")" * 1000 + " "):
        text = piece * 1000 + closing
        assert len(complete(text, len(text), SCHEMA, Data()).items) <= 20


OF_THE_USER = frozenset({"STRING", "NUMBER", "MINUS", "REGEX", "DAY", "MONTH", "INSTANT", "DOT"})
"""Tokens that are not offered, or, like the sign of a number, not everywhere."""


@settings(max_examples=40, deadline=None)
@given(seeds)
def test_the_words_and_names_of_an_expression_are_offered_where_they_stand(seed):
    """Completion is complete: of every right expression, it offers each next word, name or sign."""
    text = expression(seed)
    assume(problems_of(text, WORLD_SCHEMA, WORLD_SEGMENTS) == ())
    for token in tokens_of(text) or []:
        if token.type not in OF_THE_USER:
            before = text[: token.start] + " "  # apart from the word before it
            found = complete(before, len(before), WORLD_SCHEMA, Data(), limit=1000)
            starts = [item.text for item in found.items if fold(item.text).startswith(fold(token.value))]
            assert starts, (before, token.value)


OWN = MappingProxyType(
    {Type.NUMBER: "3 ", Type.FLOAT: "3 ", Type.DATE: "2026-01-01 ", Type.DATETIME: "2026-01-01 ", Type.BOOLEAN: "true "}
)


def own_values(text: str) -> list[str]:
    """What only the user knows: numbers, dates and texts."""
    slot = slot_of(reached(text, lambda name: False)[0], SCHEMA)
    match slot.want:
        case Want.VALUE if not slot.subject.is_constant and slot.subject.type is not None:
            written = ["/a/ "] if slot.verb == "MATCHES" else [OWN.get(slot.subject.type, '"x" ')]
        case Want.OPERAND if slot.subject.type in (None, Type.NUMBER, Type.FLOAT):
            written = ["3 "]
        case Want.TIME:
            written = ["2026-01-01 "]
        case Want.SPAN | Want.REST:
            written = ["3 "]
        case _:
            written = []
    return [value for value in written if tokens_of(text + value) is not None]


UNFINISHED = ("condition-needed", "whole-number-needed", "out-of-range", "unknown-option")


@settings(max_examples=100, deadline=None)
@given(seeds)
def test_expressions_written_by_completion_alone_are_right(seed):
    """Whoever chooses any items, and numbers, dates and texts of their own, meets no problem of names or types."""
    random = Random(seed)
    text = ""
    for _ in range(16):
        found = complete(text, len(text), SCHEMA, Data(), segments=SEGMENTS, limit=1000)
        own = own_values(text) if random.random() < 0.4 or not found.items else []
        choices = own or [item.text + " " for item in found.items]
        if not choices:
            break
        text = text[: found.start] + random.choice(choices)
        if not read(text).problems:
            problems = problems_of(text, SCHEMA, SEGMENTS)
            assert [problem for problem in problems if problem.code not in UNFINISHED] == [], text
