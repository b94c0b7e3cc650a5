"""The words of the language: how each terminal of the grammar is shown to people, in order of usefulness."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

TERMINALS: Mapping[str, str] = MappingProxyType(
    {
        "$END": "the end",
        "NAME": "a name",
        "QUOTED_NAME": "a name",
        "STRING": "a text in quotes",
        "NUMBER": "a number",
        "DAY": "a date",
        "MONTH": "a month such as 2026-06",
        "INSTANT": "a datetime",
        "REGEX": "a regular expression such as /^a/",
        "PARAMETER": "a parameter such as $name",
        "AND": "and",
        "OR": "or",
        "EXCEPT": "except",
        "RPAR": ")",
        "COMMA": ",",
        "EQUAL": "=",
        "UNEQUAL": "!=",
        "LESS": "<",
        "LESS_EQUAL": "<=",
        "GREATER": ">",
        "GREATER_EQUAL": ">=",
        "IN": "in",
        "NOT": "not",
        "DID": "did",
        "IS": "is",
        "BETWEEN": "between",
        "CONTAINS": "contains",
        "STARTS": "starts with",
        "ENDS": "ends with",
        "LIKE": "like",
        "MATCHES": "matches",
        "HAS": "has",
        "BEFORE": "before",
        "AFTER": "after",
        "SINCE": "since",
        "ON": "on",
        "ANNIVERSARY": "anniversary",
        "WITH": "with",
        "SET": "set",
        "KNOWN": "known",
        "UNKNOWN": "unknown",
        "EXACTLY": "exactly",
        "AT": "at least",
        "LEAST": "least",
        "MOST": "most",
        "MORE": "more than",
        "FEWER": "fewer than",
        "THAN": "than",
        "TIMES": "times",
        "THEN": "then",
        "WITHIN": "within",
        "ANY": "any",
        "ALL": "all",
        "NONE": "none",
        "EVENT": "event",
        "SAME": "same",
        "OF": "of",
        "SEGMENT": "segment",
        "EVERYONE": "everyone",
        "NOBODY": "nobody",
        "SAMPLE": "sample",
        "SEED": "seed",
        "BUCKET": "bucket",
        "FUNCTION": "count, sum, avg, min, max, distinct, first or last",
        "PART": "year, month, day, weekday or hour",
        "YEARS": "years since",
        "TRUE": "true",
        "FALSE": "false",
        "NOW": "now",
        "TODAY": "today",
        "YESTERDAY": "yesterday",
        "TOMORROW": "tomorrow",
        "LAST": "last",
        "NEXT": "next",
        "THIS": "this",
        "UNIT": "seconds, minutes, hours, days, weeks, months or years",
        "AGO": "ago",
        "FROM": "from now",
        "TOP": "top",
        "BOTTOM": "bottom",
        "RANDOM": "random",
        "BY": "by",
        "LPAR": "(",
        "DOT": ".",
        "PLUS": "+",
        "MINUS": "-",
        "TIMES_SIGN": "*",
        "DIVIDE": "/",
        "PERCENT": "%",
    }
)
"""Terminal -> words. Terminals that only take in foreign habits are left out on purpose."""

FOREIGN = frozenset({"COLON", "NULL"})

_SPELT = """
    after ago all and anniversary any at avg before between bottom bucket by contains count day days did
    distinct ends et event everyone exactly except false fewer first from has hour hours in is known last least
    less like matches max min minute minutes month months more most next nobody none not now null of on or ou
    random same sample sauf second seconds seed segment set since starts sum than then this time times today
    tomorrow top true unknown week weekday weeks with within year years yesterday
"""

WORDS = frozenset(_SPELT.split())
"""Every word the lexer may take for a keyword somewhere: names spelt so are written in backticks."""


def continuations(terminals: Iterable[str]) -> tuple[str, ...]:
    """What may come, in words, most useful first."""
    accepted = set(terminals)
    return tuple(dict.fromkeys(words for terminal, words in TERMINALS.items() if terminal in accepted))
