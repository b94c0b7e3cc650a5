"""The words that completion offers, whole: one table, with what each is and where it makes sense.

The grammar says where a phrase can be read. The table adds the rest: what the cursor must want, and the type of the
subject that the phrase is said of.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from dsl.complete.items import Kind, Rank
from dsl.complete.slot import Want
from dsl.complete.subject import ANYTHING, NUMERIC, ORDERED, TEMPORAL, TEXTUAL
from dsl.schema import Type


@dataclass(frozen=True, slots=True)
class Phrase:
    """`terminals` is how the grammar reads `text`; `types` are those of a subject it can be said of."""

    text: str
    terminals: tuple[str, ...]
    wants: frozenset[Want]
    types: frozenset[Type] = ANYTHING
    detail: str | None = None
    kind: Kind = Kind.KEYWORD
    rank: Rank = Rank.OTHER
    of_contacts: bool = False
    """Whether it is no condition on an event, and no value of one."""


def _table(
    wants: Iterable[Want], kind: Kind, rank: Rank, *rows: tuple[str, str, frozenset[Type], str | None]
) -> tuple[Phrase, ...]:
    """Phrases that share where they stand: (text, terminals, types, detail)."""
    places = frozenset(wants)
    return tuple(
        Phrase(text, tuple(terminals.split()), places, types, detail, kind, rank)
        for text, terminals, types, detail in rows
    )


_EQUAL = ANYTHING - {Type.TAGS}
_TAGS = frozenset({Type.TAGS})
_BOOLEAN = frozenset({Type.BOOLEAN})
_TEXT = "any case, accents or not"

OPERATORS = (
    *_table(
        [Want.TEST],
        Kind.OPERATOR,
        Rank.FIRST,
        ("=", "EQUAL", _EQUAL, "equal to"),
        ("!=", "UNEQUAL", _EQUAL, "not equal to, or missing"),
        (">", "GREATER", ORDERED, "more than"),
        (">=", "GREATER_EQUAL", ORDERED, "at least"),
        ("<", "LESS", ORDERED, "less than"),
        ("<=", "LESS_EQUAL", ORDERED, "at most"),
        ("in last", "IN LAST", TEMPORAL, "in the last days, weeks, months…"),
        ("has", "HAS", _TAGS, "this tag is among them"),
        ("has any (", "HAS ANY LPAR", _TAGS, "at least one of these tags"),
        ("has all (", "HAS ALL LPAR", _TAGS, "every one of these tags"),
        ("has none (", "HAS NONE LPAR", _TAGS, "none of these tags"),
        ("in (", "IN LPAR", _EQUAL, "one of these"),
        ("between", "BETWEEN", ORDERED, "both ends included"),
        ("contains", "CONTAINS", TEXTUAL, _TEXT),
        ("starts with", "STARTS WITH", TEXTUAL, _TEXT),
        ("ends with", "ENDS WITH", TEXTUAL, _TEXT),
        ("since", "SINCE", TEMPORAL, "from its beginning on"),
        ("before", "BEFORE", TEMPORAL, "earlier than its beginning"),
        ("after", "AFTER", TEMPORAL, "later than its end"),
        ("on", "ON", TEMPORAL, "within that day or period"),
    ),
    *_table(
        [Want.TEST],
        Kind.OPERATOR,
        Rank.SECOND,
        ("is set", "IS SET", ANYTHING, "has a value"),
        ("is not set", "IS NOT SET", ANYTHING, "has no value"),
        ("not in (", "NOT IN LPAR", _EQUAL, "none of these"),
        ("not has", "NOT HAS", _TAGS, "this tag is not among them"),
        ("not between", "NOT BETWEEN", ORDERED, None),
        ("not contains", "NOT CONTAINS", TEXTUAL, None),
        ("not starts with", "NOT STARTS WITH", TEXTUAL, None),
        ("not ends with", "NOT ENDS WITH", TEXTUAL, None),
        ("is exactly", "IS EXACTLY", TEXTUAL, "equal to the letter"),
        ("is not exactly", "IS NOT EXACTLY", TEXTUAL, None),
        ("like", "LIKE", TEXTUAL, "% is any run of characters, _ any one"),
        ("not like", "NOT LIKE", TEXTUAL, None),
        ("matches", "MATCHES", TEXTUAL, "a regular expression: /…/"),
        ("not matches", "NOT MATCHES", TEXTUAL, None),
        ("in next", "IN NEXT", TEMPORAL, None),
        ("in this", "IN THIS", TEMPORAL, None),
        ("not in last", "NOT IN LAST", TEMPORAL, None),
        ("anniversary in next", "ANNIVERSARY IN NEXT", TEMPORAL, "whatever the year"),
        ("anniversary in last", "ANNIVERSARY IN LAST", TEMPORAL, "whatever the year"),
        ("anniversary in this", "ANNIVERSARY IN THIS", TEMPORAL, "whatever the year"),
        ("anniversary on", "ANNIVERSARY ON", TEMPORAL, "whatever the year"),
        ("in", "IN", TEMPORAL, None),
        ("is known", "IS KNOWN", ANYTHING, "has a value"),
        ("is unknown", "IS UNKNOWN", ANYTHING, "has no value"),
        ("set", "SET", ANYTHING, "has a value"),
        ("not set", "NOT SET", ANYTHING, "has no value"),
        ("known", "KNOWN", ANYTHING, "has a value"),
        ("unknown", "UNKNOWN", ANYTHING, "has no value"),
        ("exactly", "EXACTLY", TEXTUAL, "equal to the letter"),
        ("not exactly", "NOT EXACTLY", TEXTUAL, None),
    ),
)
"""What can be asked of a subject. Some go on with what is begun: `is`, `not` or `has`."""

SIGNS = _table(
    [Want.TEST, Want.REST, Want.SUM],
    Kind.OPERATOR,
    Rank.LAST,
    ("+", "PLUS", NUMERIC, None),
    ("-", "MINUS", NUMERIC, None),
    ("*", "TIMES_SIGN", NUMERIC, None),
    ("/", "DIVIDE", NUMERIC, None),
)
"""Their subject is what stands just before them."""

JOINTS = (
    *_table(
        [Want.TEST, Want.REST, Want.WHOLE],
        Kind.KEYWORD,
        Rank.NAMES,
        ("and", "AND", _BOOLEAN, None),
        ("or", "OR", _BOOLEAN, None),
        ("except", "EXCEPT", _BOOLEAN, "and not"),
        (",", "COMMA", _BOOLEAN, None),
    ),
    *_table(
        [Want.TEST, Want.REST, Want.WHOLE],
        Kind.KEYWORD,
        Rank.OTHER,
        ("top", "TOP", _BOOLEAN, "only so many, by a value"),
        ("bottom", "BOTTOM", _BOOLEAN, "only so many, by a value"),
        ("random", "RANDOM", _BOOLEAN, "only so many, at random"),
    ),
)
"""What follows a whole condition: a subject that is one by itself, or what is complete."""

OPENINGS = (
    *_table(
        [Want.CONDITION],
        Kind.KEYWORD,
        Rank.FIRST,
        ("did", "DID", ANYTHING, "what a contact did"),
        ("in segment", "IN SEGMENT", ANYTHING, "is a member now"),
    ),
    *_table(
        [Want.CONDITION],
        Kind.KEYWORD,
        Rank.SECOND,
        ("did not", "DID NOT", ANYTHING, None),
        ("not in segment", "NOT IN SEGMENT", ANYTHING, None),
        ("matches segment", "MATCHES SEGMENT", ANYTHING, "its rules alone select the contact"),
        ("everyone", "EVERYONE", ANYTHING, None),
        ("nobody", "NOBODY", ANYTHING, None),
        ('sample 10% seed "a"', "SAMPLE NUMBER PERCENT SEED STRING", ANYTHING, "the same contacts for ever"),
    ),
)
"""Conditions on contacts."""

GROUPS = _table(
    [Want.CONDITION],
    Kind.KEYWORD,
    Rank.OTHER,
    ("not", "NOT", ANYTHING, None),
    ("any of (", "ANY OF LPAR", ANYTHING, "one of these conditions at least"),
    ("all of (", "ALL OF LPAR", ANYTHING, "all these conditions"),
    ("none of (", "NONE OF LPAR", ANYTHING, "none of these conditions"),
    ("at least", "AT LEAST", ANYTHING, None),
    ("at most", "AT MOST", ANYTHING, None),
    ("exactly", "EXACTLY", ANYTHING, None),
)

_VARYING = frozenset({Want.CONDITION, Want.VALUE, Want.OPERAND, Want.RANKED})
_OF_EVENTS = "of a property of events"
_BUCKET = ("BUCKET", "LPAR", "STRING", "COMMA", "NUMBER", "RPAR")
FUNCTIONS = (
    Phrase("count(", ("FUNCTION", "LPAR"), _VARYING, NUMERIC, "how many events", of_contacts=True),
    Phrase("sum(", ("FUNCTION", "LPAR"), _VARYING, NUMERIC, _OF_EVENTS, of_contacts=True),
    Phrase("avg(", ("FUNCTION", "LPAR"), _VARYING, NUMERIC, _OF_EVENTS, of_contacts=True),
    Phrase("distinct(", ("FUNCTION", "LPAR"), _VARYING, NUMERIC, "how many different values", of_contacts=True),
    Phrase("min(", ("FUNCTION", "LPAR"), _VARYING | {Want.DATED}, ORDERED, _OF_EVENTS, of_contacts=True),
    Phrase("max(", ("FUNCTION", "LPAR"), _VARYING | {Want.DATED}, ORDERED, _OF_EVENTS, of_contacts=True),
    Phrase("first(", ("FUNCTION", "LPAR"), _VARYING | {Want.DATED}, _EQUAL, "the first moment", of_contacts=True),
    Phrase("last(", ("FUNCTION", "LPAR"), _VARYING | {Want.DATED}, _EQUAL, "the last moment", of_contacts=True),
    Phrase("year of", ("PART", "OF"), _VARYING, NUMERIC),
    Phrase("month of", ("PART", "OF"), _VARYING, NUMERIC),
    Phrase("day of", ("PART", "OF"), _VARYING, NUMERIC),
    Phrase("weekday of", ("PART", "OF"), _VARYING, NUMERIC, "Monday is 1"),
    Phrase("hour of", ("PART", "OF"), _VARYING, NUMERIC),
    Phrase("years since", ("YEARS", "SINCE"), _VARYING, NUMERIC, "as an age"),
    Phrase('bucket("a", 100)', _BUCKET, _VARYING, NUMERIC, "0 to 99, stable", of_contacts=True),
)
"""Values that vary from row to row: `types` are those of what they can be compared with."""

_TIMES = [Want.VALUE, Want.TIME]
MOMENTS = (
    *_table(
        [Want.VALUE],
        Kind.OPERATOR,
        Rank.OTHER,
        ("any (", "ANY LPAR", _TAGS, "at least one of these tags"),
        ("all (", "ALL LPAR", _TAGS, "every one of these tags"),
        ("none (", "NONE LPAR", _TAGS, "none of these tags"),
    ),
    *_table(
        _TIMES,
        Kind.KEYWORD,
        Rank.SECOND,
        ("last", "LAST", TEMPORAL, "a period that ends now"),
        ("this", "THIS", TEMPORAL, "a calendar period"),
        ("today", "TODAY", TEMPORAL, None),
        ("yesterday", "YESTERDAY", TEMPORAL, None),
        ("now", "NOW", TEMPORAL, None),
        ("next", "NEXT", TEMPORAL, "a period that begins now"),
        ("tomorrow", "TOMORROW", TEMPORAL, None),
        ("7 days ago", "NUMBER UNIT AGO", TEMPORAL, None),
        ("30 days ago", "NUMBER UNIT AGO", TEMPORAL, None),
    ),
    *_table(
        [Want.VALUE],
        Kind.KEYWORD,
        Rank.FIRST,
        ("true", "TRUE", _BOOLEAN, None),
        ("false", "FALSE", _BOOLEAN, None),
    ),
)
"""Constants that are words, and what begins a list of tags."""

SPANS = (
    *_table(
        [Want.SPAN, Want.OPERAND],
        Kind.KEYWORD,
        Rank.FIRST,
        ("7 days", "NUMBER UNIT", TEMPORAL, None),
        ("30 days", "NUMBER UNIT", TEMPORAL, None),
        ("90 days", "NUMBER UNIT", TEMPORAL, None),
        ("12 months", "NUMBER UNIT", TEMPORAL, None),
    ),
    *_table(
        [Want.SPAN],
        Kind.KEYWORD,
        Rank.SECOND,
        ("day", "UNIT", TEMPORAL, None),
        ("week", "UNIT", TEMPORAL, "from Monday"),
        ("month", "UNIT", TEMPORAL, "of the calendar"),
        ("year", "UNIT", TEMPORAL, "of the calendar"),
    ),
)

UNITS = _table(
    [Want.REST],
    Kind.KEYWORD,
    Rank.FIRST,
    *((unit, "UNIT", ANYTHING, None) for unit in ("days", "weeks", "months", "years", "hours", "minutes", "seconds")),
)
"""After the number of a duration."""

EVENTS = _table(
    [Want.EVENT, Want.MEASURE],
    Kind.KEYWORD,
    Rank.SECOND,
    ("any event", "ANY EVENT", ANYTHING, "of whatever type"),
    ("not", "NOT", ANYTHING, None),
)

SEQUELS = (
    *_table(
        [Want.REST, Want.TIME],
        Kind.KEYWORD,
        Rank.FIRST,
        ("at least", "AT LEAST", ANYTHING, None),
        ("in last", "IN LAST", ANYTHING, "in the last days, weeks, months…"),
    ),
    *_table(
        [Want.REST, Want.TIME],
        Kind.KEYWORD,
        Rank.SECOND,
        ("times", "TIMES", ANYTHING, None),
        ("then", "THEN", ANYTHING, "and after that"),
        ("then not", "THEN NOT", ANYTHING, "and not after that"),
        ("within", "WITHIN", ANYTHING, "no later than"),
        ("(", "LPAR", ANYTHING, None),
        ("at most", "AT MOST", ANYTHING, None),
        ("exactly", "EXACTLY", ANYTHING, None),
        ("more than", "MORE THAN", ANYTHING, None),
        ("fewer than", "FEWER THAN", ANYTHING, None),
        ("in this", "IN THIS", ANYTHING, None),
        ("since", "SINCE", ANYTHING, None),
        ("before", "BEFORE", ANYTHING, None),
        ("after", "AFTER", ANYTHING, None),
        ("on", "ON", ANYTHING, None),
        ("between", "BETWEEN", ANYTHING, None),
        ("ago", "AGO", ANYTHING, None),
        ("from now", "FROM NOW", ANYTHING, None),
        ("of last", "OF LAST", ANYTHING, None),
        ("of (", "OF LPAR", ANYTHING, None),
        ("in at least", "IN AT LEAST", ANYTHING, "in so many of the last weeks, months…"),
        ("by", "BY", ANYTHING, None),
        ("seed", "SEED", ANYTHING, None),
        ('% seed "a"', "PERCENT SEED STRING", ANYTHING, None),
        ("event", "EVENT", ANYTHING, None),
        ("segment", "SEGMENT", ANYTHING, None),
        ("least", "LEAST", ANYTHING, None),
        ("most", "MOST", ANYTHING, None),
        ("than", "THAN", ANYTHING, None),
        ("last", "LAST", ANYTHING, None),
        ("now", "NOW", ANYTHING, None),
        ("of", "OF", ANYTHING, None),
    ),
)
"""What goes on with what is there, wherever the grammar takes it."""

PARENTHESES = (
    Phrase("(", ("LPAR",), frozenset({Want.CONDITION, Want.VALUE, Want.OPERAND}), kind=Kind.SIGN, rank=Rank.LAST),
    Phrase(")", ("RPAR",), frozenset({Want.REST, Want.TEST, Want.WHOLE, Want.SUM}), kind=Kind.SIGN, rank=Rank.OTHER),
    Phrase("with", ("WITH",), frozenset(Want)),
)
