"""Colours for an expression while it is typed, whole or broken."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum

from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.lexers import Lexer

from dsl.problems import Span
from dsl.vocabulary import WORDS


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

# A text or a regular expression that is not closed yet goes to the end of its line.
_PIECES = re.compile(
    r"""
      (?P<comment>\#[^\n]*)
    | (?P<text>"(?:[^"\\\n]|\\.)*"?|'(?:[^'\\\n]|\\.)*'?|“[^”\n]*”?|«[^»\n]*»?)
    | (?P<quoted>`[^`\n]*`?)
    | (?P<parameter>\$\w*)
    | (?P<time>\d{4}-\d{1,2}(?:-\d{1,2}(?:[Tt][\d:.,]*(?:[Zz]|[+-]\d{1,2}(?::?\d{2})?)?)?)?)
    | (?P<number>\d[\d_]*(?:\.\d[\d_]*)?)
    | (?P<word>[^\W\d]\w*)
    | (?P<sign>[^\w\s])
    """,
    re.VERBOSE,
)
_REGEX_FOLLOWS = re.compile(r"matches\s+$", re.IGNORECASE)
_REGEX = re.compile(r"/(?:[^/\\\n]|\\.)+(?:/i?)?")
_CALLED = re.compile(r"\s*\(")
_FUNCTIONS = frozenset({"count", "sum", "avg", "min", "max", "distinct", "first", "last", "bucket"})


def pieces(text: str) -> Iterator[tuple[Look, Span]]:
    """The coloured parts of a text, in order; what lies between them has no colour."""
    at = 0
    while (found := _PIECES.search(text, at)) is not None:
        if found[0] == "/" and _REGEX_FOLLOWS.search(text, 0, found.start()):
            regex = _REGEX.match(text, found.start())
            at = regex.end() if regex else found.end()
            yield Look.REGEX, Span(found.start(), at)
        else:
            at = found.end()
            yield _look(found, text), Span(*found.span())


def _look(found: re.Match[str], text: str) -> Look:
    match found.lastgroup:
        case "quoted":
            return Look.NAME
        case "word":
            return _word(found[0].lower(), text, found.end())
        case group:
            return Look(str(group))


def _word(word: str, text: str, end: int) -> Look:
    """A word is a function before a parenthesis, a keyword where the language has it, and else a name."""
    if word in _FUNCTIONS and _CALLED.match(text, end):
        return Look.FUNCTION
    return Look.KEYWORD if word in WORDS else Look.NAME


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
