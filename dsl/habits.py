"""Foreign habits: how other languages would say it, and how Tamis does.

SPELLINGS are taken in by the grammar, so that parsing goes on and every other problem is found too.
WORDS are looked up where parsing stopped.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dsl.lexing import Token
from dsl.literals import quoted, unescape

SPELLINGS: Mapping[tuple[str, str], str] = MappingProxyType(
    {
        ("EQUAL", "=="): "write `=`",
        ("EQUAL", "==="): "write `=`",
        ("UNEQUAL", "<>"): "write `!=`",
        ("UNEQUAL", "!=="): "write `!=`",
        ("LESS_EQUAL", "≤"): "write `<=`",
        ("GREATER_EQUAL", "≥"): "write `>=`",
        ("COLON", ":"): 'write `=`, as in `country = "FR"`',
        ("AND", "&"): "write `and`",
        ("AND", "&&"): "write `and`",
        ("AND", "et"): "write `and`",
        ("OR", "|"): "write `or`",
        ("OR", "||"): "write `or`",
        ("OR", "ou"): "write `or`",
        ("NOT", "!"): "write `not`",
        ("EXCEPT", "sauf"): "write `except`",
        ("NULL", "null"): "write `is set` or `is not set`",
    }
)
"""(terminal, what was written in lower case) -> the right form."""

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "pas": "write `not`",
        "non": "write `not`",
        "et": "write `and`",
        "ou": "write `or`",
        "dans": "write `in`",
        "sauf": "write `except`",
        "contient": "write `contains`",
        "est": "write `=`, or `is set`",
        "depuis": "write `since`",
        "avant": "write `before`",
        "après": "write `after`",
        "entre": "write `between … and …`",
        "vrai": "write `true`",
        "faux": "write `false`",
        "xor": "write `exactly 1 of (…, …)`",
        "equals": "write `=`",
        "eq": "write `=`",
        "ne": "write `!=`",
        "gt": "write `>`",
        "gte": "write `>=`",
        "lt": "write `<`",
        "lte": "write `<=`",
        "ilike": "write `like`: case never counts",
        "regexp": "write `matches /…/`",
        "rlike": "write `matches /…/`",
        "~": "write `matches /…/`",
        "=~": "write `matches /…/`",
        "where": "leave out `select` and `where`: write the condition alone",
        "select": "leave out `select` and `where`: write the condition alone",
        "exists": "write `did …`, or `is set`",
        "limit": 'write `top 100 by …` or `random 100 seed "…"`',
        "order": "write `top 100 by …`",
        "countif": "write `count(…)`",
        "countifs": "write `count(…)`",
        "sumif": "write `sum(… of …)`",
        "sumifs": "write `sum(… of …)`",
        "<": "write `age between 18 and 25` for two bounds",
        "<=": "write `age between 18 and 25` for two bounds",
        ">": "write `age between 18 and 25` for two bounds",
        ">=": "write `age between 18 and 25` for two bounds",
        "within": "write `in last 7 days`; `within` follows a later step, after `then`",
        ";": "leave it out: an expression ends where it ends",
        "[": 'write a list in parentheses: `in ("FR", "BE")`',
        "{": "group with parentheses: `( … )`",
        "^": "there are no powers; numbers combine with + - * /",
        "%": "there is no remainder; numbers combine with + - * /",
        "?": "write a parameter as `$name`",
        "@": "write a parameter as `$name`",
        "--": "write comments after `#`",
        "//": "write comments after `#`",
    }
)
"""What stands where parsing stopped, or just before, in lower case -> the right form."""

_CALLS = frozenset({"and", "or", "not", "if"})


def spelling_hint(token: Token) -> str | None:
    """The right form of a token the grammar took in although it is written otherwise."""
    if token.type == "STRING" and token.value[0] in "“«":
        return f"write straight quotes: {quoted(token.value[1:-1].strip())}"
    return SPELLINGS.get((token.type, token.value.lower()))


def like_hint(literal: str) -> str:
    """The right form of SQL's `LIKE '…'`.

    >>> like_hint("'%x%'")
    'write `contains "x"`'
    """
    pattern = unescape(literal)
    inner = pattern.strip("%")
    if not inner or "%" in inner or "_" in inner:
        return f"write `like {quoted(pattern)}`"
    match pattern.startswith("%"), pattern.endswith("%"):
        case True, True:
            verb = "contains"
        case True, False:
            verb = "ends with"
        case False, True:
            verb = "starts with"
        case _:
            verb = "="
    return f"write `{verb} {quoted(inner)}`"


def word_hint(previous: str | None, current: str) -> str | None:
    """The right form of what stands where parsing stopped, given the word before it."""
    if current == "(" and previous is not None and previous.lower() in _CALLS:
        return "write `a and b`, `a or b`, `not a`: these are words between conditions, not functions"
    if previous is None and current == "=":
        return "leave out the first `=`: an expression is not a formula"
    return WORDS.get(current.lower()) or (WORDS.get(previous.lower()) if previous else None)
