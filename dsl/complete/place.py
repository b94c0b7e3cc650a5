"""Where the cursor is: the word, text or name around it, which a completion replaces, and what of it is typed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from dsl.literals import unescape

_PIECES = re.compile(
    r"""
      (?P<text>"(?:[^"\\]|\\.)*" | '(?:[^'\\]|\\.)*' | “[^”]*” | «[^»]*»)
    | (?P<open_text>["'“«].*)
    | (?P<name>`[^`]+`)
    | (?P<open_name>`[^`]*)
    | (?P<closed>\#.* | (?<=matches\ )/(?:[^/\\]|\\.)+/i?)
    | (?P<parameter>\$\w*)
    | (?P<word>\d\w*(?:[.:-]\d\w*)* | \w+)
    | (?P<sign>!)(?!=)
    """,
    re.VERBOSE | re.IGNORECASE,
)
_WORD_ON = re.compile(r"\w*")
_SURROGATES = re.compile(r"[\ud800-\udfff]")


class Form(Enum):
    """What kind of thing the cursor is in."""

    WORD = "word"
    TEXT = "text"
    NAME = "name"
    PARAMETER = "parameter"
    CLOSED = "closed"
    """A comment or a regular expression: nothing is offered there."""


@dataclass(frozen=True, slots=True)
class Place:
    """A completion replaces `start`..`end` (offsets in characters); `typed` is what stands there before the cursor,
    without its quotes."""

    form: Form
    start: int
    end: int
    typed: str = ""


def place(text: str, cursor: int) -> Place:
    """The place of a cursor, 0 <= cursor <= len(text).

    >>> place("country = 'Fr'", 12)
    Place(form=<Form.TEXT: 'text'>, start=10, end=14, typed='F')
    >>> place("points", 3)
    Place(form=<Form.WORD: 'word'>, start=0, end=6, typed='poi')
    """
    begin = text.rfind("\n", 0, cursor) + 1
    end = text.find("\n", cursor)
    line = text[begin : len(text) if end < 0 else end]
    found = _in_line(line, cursor - begin)
    typed = _SURROGATES.sub("\ufffd", found.typed)
    return Place(found.form, begin + found.start, begin + found.end, typed)


def _in_line(line: str, cursor: int) -> Place:
    """The place in one line: nothing that is written spans several."""
    for match in _PIECES.finditer(line):
        start, end = match.span()
        if start >= cursor:
            break
        if cursor <= end and (found := _in_piece(line, cursor, match)):
            return found
    return Place(Form.WORD, cursor, cursor)


def _in_piece(line: str, cursor: int, match: re.Match[str]) -> Place | None:
    """The place of a cursor in or right after a piece; None when the piece is done with."""
    start, end = match.span()
    before = line[start:cursor]
    match match.lastgroup:
        case "text" if cursor < end:
            closed = not _swallowed(line, cursor, match[0])
            return Place(Form.TEXT, start, end if closed else _word_end(line, cursor), _content(before))
        case "open_text":
            return Place(Form.TEXT, start, _word_end(line, cursor), _content(before))
        case "name" if cursor < end:
            return Place(Form.NAME, start, end, before[1:])
        case "open_name":
            return Place(Form.NAME, start, _word_end(line, cursor), before[1:])
        case "closed" if cursor < end or before.startswith("#"):
            return Place(Form.CLOSED, cursor, cursor)
        case "parameter":
            return Place(Form.PARAMETER, start, end, before[1:])
        case "word" | "sign":
            return Place(Form.WORD, start, end, before)
        case _:
            return None


def _content(written: str) -> str:
    """The text of a literal from its quote up to the cursor."""
    return unescape(written + written[0])


def _word_end(line: str, cursor: int) -> int:
    """Where the word that the cursor is in ends: what follows is not taken for part of a text left open."""
    match = _WORD_ON.match(line, cursor)
    return match.end() if match else cursor


def _swallowed(line: str, cursor: int, literal: str) -> bool:
    """Whether a text only seems closed: its end is the quote that opens the next one, as the last quote is alone."""
    quote = literal[0]
    return quote in "\"'" and line.count(quote) % 2 == 1 and line.find(quote, cursor) >= 0
