"""Parsing: text -> surface tree. The parser (LALR, with a lexer that knows what may come) is built once."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache, lru_cache
from importlib.resources import files
from types import MappingProxyType

from lark import Lark, Token, UnexpectedCharacters, UnexpectedToken
from lark.parsers.lalr_interactive_parser import InteractiveParser

from dsl import tree
from dsl.build import Builder, token_span
from dsl.habits import like_hint, spelling_hint, word_hint
from dsl.literals import bad_escapes
from dsl.problems import MOST_PROBLEMS, ExpressionError, Problem, Span
from dsl.vocabulary import continuations


@dataclass(frozen=True, slots=True)
class Limits:
    """How large an expression may be. Each limit has its own problem code."""

    length: int = 65_536  # characters
    nesting: int = 64  # parentheses and negations within one another
    depth: int = 128  # nodes of the tree within one another, so that whoever walks it may recurse
    nodes: int = 10_000  # words, values and signs
    regex: int = 1_000  # characters of one regular expression
    digits: int = 30  # of one number


LIMITS = Limits()

CACHED_TEXTS = 1_024


@dataclass(frozen=True, slots=True)
class Reading:
    """What one pass over a text gave: the tree when parsing reached the end, and every problem met."""

    selection: tree.Selection | None
    problems: tuple[Problem, ...]


def parse(text: str) -> tree.Selection:
    """The surface tree of an expression; ExpressionError with every problem of its form."""
    reading = read(text)
    if reading.selection is None or reading.problems:
        raise ExpressionError(text, reading.problems)
    return reading.selection


@lru_cache(maxsize=CACHED_TEXTS)
def read(text: str) -> Reading:
    """Parse without raising: a text may have both a tree and problems, when what is meant is clear."""
    if len(text) > LIMITS.length:
        message = f"the expression has {len(text):,} characters; at most {LIMITS.length:,} are taken"
        return Reading(None, (Problem("too-long", message, span=Span(LIMITS.length, len(text))),))
    lone = _SURROGATE.search(text)
    if lone:
        message = "half a surrogate pair is no character"
        return Reading(None, (Problem("bad-character", message, span=Span(*lone.span())),))
    return _Pass(text).run()


@cache
def _parser() -> Lark:
    grammar = files("dsl").joinpath("grammar.lark").read_text(encoding="utf-8")
    return Lark(
        grammar,
        parser="lalr",
        lexer="contextual",
        start="selection",
        transformer=Builder(),
        keep_all_tokens=True,
        maybe_placeholders=False,
    )


class _TooLarge(Exception):
    """A limit was passed; reading stops there."""


class _Pass:
    """One pass over one text: feeds the parser token by token, and notes what it sees on the way."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.problems: list[Problem] = []
        self.current: Token | None = None
        self.previous: Token | None = None
        self.count = 0
        self.open: list[int] = []  # for each open parenthesis, the negations just before it
        self.negations = 0  # since the last token that is no negation
        self.gaps: list[Span] = []  # between two tokens, where a comment is

    def run(self) -> Reading:
        parser = _parser().parse_interactive(self.text)
        try:
            for token in parser.iter_parse():
                self._see(token)
            end = Token.new_borrow_pos("$END", "", self.current) if self.current else Token("$END", "", 0)
            selection: tree.Selection = parser.feed_token(end)
            if tree.depth(selection) > LIMITS.depth:
                self._too_large("too-deep", f"the expression is more than {LIMITS.depth} nodes deep", selection.span)
            return Reading(replace(selection, comments=self._comments()), tuple(self.problems))
        except UnexpectedToken as error:
            self._stopped(error.token, parser)
        except UnexpectedCharacters as error:
            self._unreadable(error.pos_in_stream or 0, parser)
        except _TooLarge:
            pass
        return Reading(None, tuple(self.problems))

    # --- each token ---

    def _see(self, token: Token) -> None:
        self.previous, self.current = self.current, token
        self.count += 1
        if self.count > LIMITS.nodes:
            message = f"the expression has more than {LIMITS.nodes:,} words and values"
            self._too_large("too-many-nodes", message, token_span(token))
        self._nest(token)
        self._gap(token_span(token).start)
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.extend(self._oddities(token))

    def _gap(self, end: int) -> None:
        start = token_span(self.previous).end if self.previous else 0
        if end > start and "#" in self.text[start:end]:
            self.gaps.append(Span(start, end))

    def _comments(self) -> tuple[tree.Comment, ...]:
        self.previous = self.current
        self._gap(len(self.text))
        return tuple(
            self._comment(*match.span())
            for gap in self.gaps
            for match in _COMMENT.finditer(self.text, gap.start, gap.end)
        )

    def _comment(self, start: int, end: int) -> tree.Comment:
        line = self.text.rfind("\n", 0, start) + 1
        trailing = bool(self.text[line:start].strip())
        return tree.Comment(Span(start, end), self.text[start:end].rstrip(), trailing)

    def _nest(self, token: Token) -> None:
        if token.type == "NOT" or (token.type == "MINUS" and self._follows_sign()):
            self.negations += 1
        elif token.type == "LPAR":
            self.open.append(self.negations)
            self.negations = 0
        else:
            self.negations = 0
            if token.type == "RPAR" and self.open:
                self.open.pop()
        if len(self.open) + sum(self.open) + self.negations > LIMITS.nesting:
            self._too_large("too-deep", f"the expression nests more than {LIMITS.nesting} levels", token_span(token))

    def _follows_sign(self) -> bool:
        return self.previous is not None and self.previous.type in ("PLUS", "MINUS", "TIMES_SIGN", "DIVIDE")

    def _too_large(self, code: str, message: str, span: Span) -> None:
        self.problems.append(Problem(code, message, "save parts of it as segments", span=span))
        raise _TooLarge

    def _oddities(self, token: Token) -> Iterator[Problem]:
        hint = spelling_hint(token)
        if hint is not None:
            yield Problem("foreign-form", f"{token.value!r} is not said so here", hint, span=token_span(token))
        if token.type == "STRING":
            yield from self._text_oddities(token)
        elif token.type == "NUMBER" and len(token.value) > LIMITS.digits:
            yield Problem("number-too-long", f"a number has at most {LIMITS.digits} digits", span=token_span(token))
        elif token.type == "REGEX" and len(token.value) > LIMITS.regex:
            yield regex_too_long(len(token.value), token_span(token))

    def _text_oddities(self, token: Token) -> Iterator[Problem]:
        if self.previous is not None and self.previous.type == "LIKE" and self.previous.value.isupper():
            span = Span(self.previous.start_pos or 0, token_span(token).end)
            yield Problem("foreign-form", "'LIKE' in capitals is SQL's", like_hint(token.value), span=span)
        for offset, written in bad_escapes(token.value) if "\\" in token.value else ():
            start = (token.start_pos or 0) + offset
            hint = 'a backslash itself is "\\\\"; a regular expression is written matches /…/'
            yield Problem(
                "bad-escape",
                f"{written!r:} means nothing in a text".replace("\\\\", "\\"),
                hint,
                span=Span(start, start + len(written)),
            )

    # --- where parsing stopped ---

    def _stopped(self, token: Token, parser: InteractiveParser) -> None:
        expected = continuations(_accepted(parser))
        if token.type == "$END":
            self._add_stop(
                "unexpected-end", "the expression ends too soon", Span(len(self.text), len(self.text)), expected
            )
            return
        # The lexer stops before a token is seen, the parser after.
        before = self.previous if token is self.current else self.current
        hint = word_hint(before.value if before else None, token.value)
        self._add_stop("unexpected", f"unexpected {token.value!r}", token_span(token), expected, hint)

    def _unreadable(self, offset: int, parser: InteractiveParser) -> None:
        expected = continuations(_accepted(parser))
        character = self.text[offset]
        if character in "\"'`“«":
            end = self.text.find("\n", offset)
            span = Span(offset, len(self.text) if end < 0 else end)
            what = "name" if character == "`" else "text"
            self._add_stop(
                "unterminated-text", f"this {what} is not closed", span, (), f"close it with {_CLOSING[character]}"
            )
            return
        word = _WORD.match(self.text, offset)
        written = word[0] if word else character
        hint = word_hint(self.current.value if self.current else None, written)
        self._add_stop("unexpected", f"unexpected {written!r}", Span(offset, offset + len(written)), expected, hint)

    def _add_stop(
        self, code: str, message: str, span: Span, expected: tuple[str, ...], hint: str | None = None
    ) -> None:
        self.problems.append(Problem(code, message, hint or _listed(expected), span, expected=expected))


_SURROGATE = re.compile(r"[\ud800-\udfff]")
_COMMENT = re.compile(r"#[^\n]*")
_WORD = re.compile(r"=~|--|//|\w+|[^\w\s]")
_CLOSING = MappingProxyType({'"': '"', "'": "'", "`": "`", "“": '"', "«": '"'})


def regex_too_long(length: int, span: Span) -> Problem:
    message = f"the regular expression has {length:,} characters; at most {LIMITS.regex:,} are taken"
    return Problem("regex-too-long", message, span=span)


def _accepted(parser: InteractiveParser) -> set[str]:
    """The terminals that could come next."""
    accepts: Callable[[], set[str]] = parser.accepts
    return accepts()


def _listed(expected: tuple[str, ...]) -> str | None:
    """A few of the legal continuations, for the hint; `expected` keeps them all."""
    shown = expected[:6]
    if not shown:
        return None
    if len(expected) > len(shown):
        return f"expected {', '.join(shown)}…"
    return f"expected {', '.join(shown[:-1])} or {shown[-1]}" if len(shown) > 1 else f"expected {shown[0]}"
