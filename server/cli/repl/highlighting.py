"""Colours for an expression while it is typed, whole or broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

from dsl.lexing import END, SIGNS, UNREADABLE, WORDS, next_token
from dsl.problems import Span


class Look(StrEnum):
    """What a piece of text looks like. Each is a style class."""

    COMMENT = "comment"
    TEXT = "text"
    REGEX = "regex"
    NAME = "name"
    KEYWORD = "keyword"
    FUNCTION = "function"
    PARAMETER = "parameter"
    NUMBER = "number"
    TIME = "time"
    SIGN = "sign"
    COMMAND = "command"
    PROBLEM = "problem"


STYLES: Mapping[str, str] = {
    Look.COMMENT: "ansibrightblack italic",
    Look.TEXT: "ansigreen",
    Look.REGEX: "ansimagenta",
    Look.NAME: "",
    Look.KEYWORD: "ansiblue bold",
    Look.FUNCTION: "ansicyan",
    Look.PARAMETER: "ansimagenta bold",
    Look.NUMBER: "ansiyellow",
    Look.TIME: "ansiyellow",
    Look.SIGN: "ansibrightblack",
    Look.COMMAND: "ansicyan bold",
    Look.PROBLEM: "underline ansired",
    "live": "ansibrightblack",
    "live.count": "bold",
    "live.problem": "ansired",
    "prompt": "ansicyan bold",
}

_LOOKS: Mapping[str, Look] = {
    "STRING": Look.TEXT,
    "REGEX": Look.REGEX,
    "NAME": Look.NAME,
    "QUOTED_NAME": Look.NAME,
    "FUNCTION": Look.FUNCTION,
    "BUCKET": Look.FUNCTION,
    "PARAMETER": Look.PARAMETER,
    "NUMBER": Look.NUMBER,
    "INSTANT": Look.TIME,
    "DAY": Look.TIME,
    "MONTH": Look.TIME,
    UNREADABLE: Look.TEXT,
    **dict.fromkeys(SIGNS.values(), Look.SIGN),
    **dict.fromkeys(("AND", "OR", "NOT"), Look.KEYWORD),
}
"""Terminal -> look; any other is a keyword."""

_KEYWORDS = frozenset(terminal for readings in WORDS.values() for terminal, _ in readings)
_COMMENTS = re.compile(r"#[^\n]*")
_OPENED = re.compile(r"[\"'`“«][^\n]*")


def pieces(text: str) -> Iterator[tuple[Look, Span]]:
    """The coloured parts of a text, in order; what lies between them has no colour.

    The parser is not asked what can come, as the text may be broken: a word that may be a keyword is shown as one.
    """
    at, before = 0, ""
    while (token := next_token(text, at, _KEYWORDS | {"REGEX"} if before == "MATCHES" else _KEYWORDS)).type != END:
        yield from ((Look.COMMENT, Span(*found.span())) for found in _COMMENTS.finditer(text, at, token.start))
        opened = _OPENED.match(text, token.start) if token.type == UNREADABLE else None
        at, before = opened.end() if opened else token.end, token.type
        yield _LOOKS.get(token.type, Look.KEYWORD), Span(token.start, at)
    yield from ((Look.COMMENT, Span(*found.span())) for found in _COMMENTS.finditer(text, at))


_COMMAND = re.compile(r"\s*\.\w*")


class ExpressionLexer(Lexer):
    """Colours of each line; a command that begins with a dot has its own."""

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        text = document.text
        command = _COMMAND.match(text)
        body = command.end() if command else 0
        spans = [(Look.COMMAND, Span(*command.span()))] if command else []
        spans += [(look, Span(span.start + body, span.end + body)) for look, span in pieces(text[body:])]
        lines = _by_line(text, spans)
        return lambda number: lines[number] if number < len(lines) else []


def _by_line(text: str, spans: list[tuple[Look, Span]]) -> list[StyleAndTextTuples]:
    """Fragments of style and text for every line."""
    lines: list[StyleAndTextTuples] = [[]]
    at = 0
    for look, span in [*spans, (Look.NAME, Span(len(text), len(text)))]:
        for style, part in (("", text[at : span.start]), (f"class:{look}", text[span.start : span.end])):
            first, *others = part.split("\n")
            lines[-1].append((style, first))
            lines.extend([(style, other)] for other in others)
        at = span.end
    return lines
