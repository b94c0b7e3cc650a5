"""From text to tokens: one pattern for their shapes, one table for the words.

A word is a keyword where the parser can take that keyword, and a name elsewhere. Every pattern is possessive: what was
read is never read again, so that reading takes time in proportion to the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Mapping

from dsl.immutable import Immutable
from dsl.problems import Span


class Token(Immutable, frozen=True):
    """A terminal of the grammar, and what was written for it."""

    type: str
    value: str
    span: Span

    @property
    def start(self) -> int:
        return self.span.start

    @property
    def end(self) -> int:
        return self.span.end


END = "$END"

UNREADABLE = "UNREADABLE"
"""The terminal of a character that begins nothing: the grammar has no place for it."""

Follower = Callable[[str, int], "re.Match[str] | None"]
"""Whether what must come after a word does, given the text and where the word ends."""

_GAP = r"(?:\s++|#[^\n]*+)*+"


def _then(pattern: str) -> Follower:
    """`pattern` comes next, over spaces and comments."""
    return re.compile(f"{_GAP}(?:{pattern})", re.IGNORECASE).match


_PARENTHESIS = _then(r"\(")
_OF = _then(r"of(?!\w)")
_OF_LIST = _then(r"of(?!\w)|[($]")

_ALWAYS: Mapping[str, str] = {
    "AND": "and et",
    "OR": "or ou",
    "NOT": "not",
    "EXCEPT": "except sauf",
    "IN": "in",
    "SEGMENT": "segment",
    "BETWEEN": "between",
    "CONTAINS": "contains",
    "STARTS": "starts",
    "ENDS": "ends",
    "WITH": "with",
    "LIKE": "like",
    "MATCHES": "matches",
    "HAS": "has",
    "IS": "is",
    "SET": "set",
    "KNOWN": "known",
    "UNKNOWN": "unknown",
    "NULL": "null",
    "EXACTLY": "exactly",
    "ANNIVERSARY": "anniversary",
    "EVERYONE": "everyone",
    "NOBODY": "nobody",
    "SEED": "seed",
    "TOP": "top",
    "BOTTOM": "bottom",
    "RANDOM": "random",
    "BY": "by",
    "DID": "did",
    "EVENT": "event",
    "THEN": "then",
    "WITHIN": "within",
    "LEAST": "least",
    "MOST": "most",
    "MORE": "more",
    "FEWER": "fewer less",
    "THAN": "than",
    "TIMES": "times time",
    "OF": "of",
    "SINCE": "since",
    "BEFORE": "before",
    "AFTER": "after",
    "ON": "on",
    "THIS": "this",
    "LAST": "last",
    "NEXT": "next",
    "AGO": "ago",
    "FROM": "from",
    "NOW": "now",
    "TODAY": "today",
    "YESTERDAY": "yesterday",
    "TOMORROW": "tomorrow",
    "TRUE": "true",
    "FALSE": "false",
    "UNIT": "second seconds minute minutes hour hours day days week weeks month months year years",
}
"""Terminal -> its words, wherever the parser can take it."""

_FOLLOWED: Mapping[str, tuple[str, Follower]] = {
    "FUNCTION": ("count sum avg min max distinct first last", _PARENTHESIS),
    "BUCKET": ("bucket", _PARENTHESIS),
    "PART": ("year month day weekday hour", _OF),
    "YEARS": ("year years", _then(r"since(?!\w)")),
    "SAMPLE": ("sample", _then(r"\d")),
    "SAME": ("same", _then(r"[^\W\d]|`")),
    "AT": ("at", _then(r"(?:least|most)(?!\w)")),
    "ANY": ("any", _then(r"(?:of|event)(?!\w)|[($]")),
    "ALL": ("all", _OF_LIST),
    "NONE": ("none", _OF_LIST),
}
"""Terminal -> its words, and what must follow them: without it they are names."""

Reading = tuple[str, Follower | None]


def _words() -> dict[str, tuple[Reading, ...]]:
    readings: dict[str, tuple[Reading, ...]] = {}
    for terminal, (words, follower) in _FOLLOWED.items():
        for word in words.split():
            readings[word] = (*readings.get(word, ()), (terminal, follower))
    for terminal, words in _ALWAYS.items():
        for word in words.split():
            readings[word] = (*readings.get(word, ()), (terminal, None))
    return readings


WORDS: Mapping[str, tuple[Reading, ...]] = _words()
"""Every word that may be a keyword somewhere, in lower case -> what it can be, first choice first."""

RESERVED: Mapping[str, str] = {"and": "AND", "or": "OR", "not": "NOT", "except": "EXCEPT", "then": "THEN"}
"""Words that are keywords even where the parser cannot take them: `points > and` lacks a value, not a field."""

SIGNS: Mapping[str, str] = {
    "=": "EQUAL",
    "==": "EQUAL",
    "===": "EQUAL",
    "!=": "UNEQUAL",
    "!==": "UNEQUAL",
    "<>": "UNEQUAL",
    "<": "LESS",
    "<=": "LESS_EQUAL",
    "≤": "LESS_EQUAL",
    ">": "GREATER",
    ">=": "GREATER_EQUAL",
    "≥": "GREATER_EQUAL",
    ":": "COLON",
    "&": "AND",
    "&&": "AND",
    "|": "OR",
    "||": "OR",
    "!": "NOT",
    "+": "PLUS",
    "-": "MINUS",
    "*": "TIMES_SIGN",
    "/": "DIVIDE",
    "%": "PERCENT",
    "(": "LPAR",
    ")": "RPAR",
    ",": "COMMA",
    ".": "DOT",
}
"""Sign -> terminal; where several begin alike, the longest is read."""

PATTERNS: Mapping[str, str] = {
    "WORD": r"[^\W\d]\w*+",
    "SIGN": "|".join(map(re.escape, sorted(SIGNS, key=len, reverse=True))),
    "STRING": r"""
        "(?:[^"\\\n]++|\\.)*+" | '(?:[^'\\\n]++|\\.)*+' | “[^”\n]*+” | «[^»\n]*+» """,
    "INSTANT": r"\d{4}-\d{1,2}-\d{1,2}[Tt][\d:]*+(?:[.,]\d++)?(?:[Zz]|[+-]\d{1,2}(?::?\d{2})?)?",
    "DAY": r"\d{4}-\d{1,2}-\d{1,2}(?!\d)",
    "MONTH": r"\d{4}-\d{2}(?![\d-])",
    "NUMBER": r"\d[\d_]*+(?:\.\d[\d_]*+)?",
    "PARAMETER": r"\$[^\W\d]\w*+",
    "QUOTED_NAME": r"`[^`\n]++`",
    END: r"\Z",
    UNREADABLE: r".",
}
"""Terminal -> how it is written. Words and signs are told apart by their tables. Something always matches."""

COMMENT = r"\#[^\n]*+"
REGEX = r"/(?:[^/\\\n]++|\\.)++/i?"

_KINDS = ("", *PATTERNS)
_WORD, _SIGN = _KINDS.index("WORD"), _KINDS.index("SIGN")
_LEXEME = re.compile(
    rf"(?:\s++|{COMMENT})*+(?:" + "|".join(f"({pattern})" for pattern in PATTERNS.values()) + ")", re.VERBOSE
).match
_REGEX = re.compile(REGEX).match


def next_token(text: str, offset: int, acceptable: Container[str]) -> Token:
    """The token that comes at or after `offset`, over spaces and comments.

    `acceptable` holds the terminals that the parser can take there. A token of another type comes when none of these
    can be read; the last one is `END`.
    """
    match = _LEXEME(text, offset)
    kind = match and match.lastindex
    if match is None or kind is None:
        raise AssertionError("the last shape takes any character")
    start, end = match.span(kind)
    value, span = text[start:end], Span(start, end)
    if kind == _WORD:
        word = value.lower()
        for terminal, follows in WORDS.get(word, ()):
            if terminal in acceptable and (follows is None or follows(text, end)):
                return Token(terminal, value, span)
        return Token(RESERVED.get(word, "NAME"), value, span)
    if kind != _SIGN:
        return Token(_KINDS[kind], value, span)
    if value == "/" and "REGEX" in acceptable:
        regex = _REGEX(text, start)
        if regex is not None:
            return Token("REGEX", regex[0], Span(start, regex.end()))
    return Token(SIGNS[value], value, span)


_NAME = re.compile(r"[^\W\d]\w*+")


def name_written(name: str) -> str:
    """A name as it is written: in backticks unless it can be read as nothing else."""
    return name if _NAME.fullmatch(name) and name.lower() not in WORDS else f"`{name}`"
