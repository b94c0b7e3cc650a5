"""Problems are data: a stable code, a message, a place and a hint. Rendering is separate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from types import MappingProxyType
from unicodedata import combining, east_asian_width

from dsl.folding import fold
from dsl.immutable import Immutable


class Span(Immutable, frozen=True):
    """A half-open range of characters of an expression: 0-based offsets, `start <= end`."""

    start: int
    end: int


NOWHERE = Span(0, 0)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong, with where it is and how to mend it.

    `span` places it in an expression; `path` (`$.events[3].at`) in a request body or a file row.
    `expected` lists the legal continuations where parsing stopped.
    """

    code: str
    message: str
    hint: str | None = None
    span: Span | None = None
    path: str | None = None
    expected: tuple[str, ...] = ()


class ProblemError(Exception):
    """Carries every problem found in one piece of input; never raised empty."""

    def __init__(self, problems: tuple[Problem, ...] | list[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__("; ".join(p.message for p in self.problems))


class ExpressionError(ProblemError):
    """An expression cannot be understood, or does not fit the schema."""

    def __init__(self, text: str, problems: tuple[Problem, ...] | list[Problem]) -> None:
        self.text = text
        super().__init__(problems)


class DataError(ProblemError):
    """A body, a file row or a schema patch does not fit. Nothing of it was written."""


class Flaw(Exception):
    """One problem, on its way to be collected with its siblings. Without a problem, it was told already."""

    def __init__(self, problem: Problem | None) -> None:
        self.problem = problem
        super().__init__(problem.message if problem else "already told")


CODES: Mapping[str, str] = MappingProxyType(
    {
        # the form of an expression
        "too-long": "The expression has more characters than the limit.",
        "too-deep": "Parentheses, negations, arithmetic, the whole or the segments named nest deeper than the limit.",
        "too-many-nodes": "The expression has more words and values than the limit.",
        "regex-too-long": "A regular expression has more characters than the limit.",
        "number-too-long": "A number has more digits than the limit, or grows beyond what numbers can be.",
        "unexpected": "Something stands where it cannot; `expected` lists what can.",
        "unexpected-end": "The expression ends before it is complete.",
        "unterminated-text": "A quote or backtick is opened and not closed.",
        "bad-escape": "A backslash in a text is followed by something that means nothing.",
        "bad-character": "A character that is none: half a surrogate pair.",
        "foreign-form": "Another language would say it so; the hint shows how it is said here.",
        # names
        "unknown-field": "No field, company field or event property has this name.",
        "unknown-event": "No event type has this name.",
        "unknown-segment": "No segment has this key or name.",
        "ambiguous-segment": "Several segments have this name; their keys tell them apart.",
        "unknown-option": "A choice has no such option.",
        "missing-parameter": "The expression has a parameter that was given no value.",
        "unused-parameter": "A parameter was given that the expression does not have.",
        # types and values
        "type-mismatch": "A value or a field has another type than its place needs.",
        "condition-needed": "A value stands where a condition must.",
        "value-needed": "A condition stands where a value must.",
        "constant-condition": "A comparison that nothing about the contact can change.",
        "not-here": "This construct exists, but not in this place.",
        "mixed-rows": "Fields of a company and of a contact stand in one comparison.",
        "no-such-date": "A date, month or time that the calendar does not have, or is written otherwise.",
        "whole-number-needed": "A count must be a whole number, within its bounds.",
        "out-of-range": "A number lies outside what its place allows.",
        "division-by-zero": "A division of constants by zero.",
        "bad-regex": "A regular expression that cannot be compiled.",
        "same-unmatched": "No earlier step of the sequence has the property that `same` names.",
        # schemas
        "bad-schema": "A schema, or a patch of one, is not of the documented shape.",
        "bad-name": "A name that fields or event types cannot have.",
        "reserved-name": "A name that the system keeps for itself.",
        "unknown-type": "There is no such field type.",
        "bad-decimals": "The decimals of a number are a whole number from 0 to 6, and only numbers have them.",
        "bad-options": "A choice has at least one option, all different; only choices have options.",
        "bad-timezone": "There is no such time zone.",
        "field-has-data": "The type of a field that has data cannot change.",
        # the JSON form of expressions
        "bad-tree": "A tree is not of the documented shape, or says what no expression can.",
        # other forms of rules
        "bad-rules": "A document of rules is not of its form's shape, or a part of it has no meaning here.",
        "not-expressible": "A part of the expression that the other form cannot say.",
        "forms-differ": "A note beside a translation: where the two sides differ, though nothing is lost.",
    }
)
"""Every code the language gives, and what it means."""


# --- rendering -----------------------------------------------------------------------------------------------

MOST_PROBLEMS = 50
"""At most about this many problems of one expression are told."""

SHOWN = 160
"""At most this many characters of a line are shown around a problem."""


def closest(name: str, known: Iterable[str], limit: int = 3) -> tuple[str, ...]:
    """The known names most like `name`, best first: case and accents do not count."""
    if len(name) > 100:
        return ()
    folded = {fold(candidate): candidate for candidate in known}
    return tuple(folded[match] for match in get_close_matches(fold(name), folded, limit, 0.6))


def did_you_mean(name: str, known: Iterable[str], quote: str = "'") -> str | None:
    """The hint that names the closest ones, when any is close."""
    matches = [f"{quote}{match}{quote}" for match in closest(name, known)]
    return f"did you mean {listed(matches, 'or')}?" if matches else None


NAMED = 8
"""At most this many names are listed in a hint."""


def names_there(name: str, known: Iterable[str], what: str, quote: str = "'") -> str | None:
    """The hint that names the closest ones; when none is close, it lists the first few of `what` there are."""
    names = list(known)
    shown = ", ".join(f"{quote}{there}{quote}" for there in names[:NAMED])
    rest = "…" if len(names) > NAMED else ""
    return did_you_mean(name, names, quote) or (
        f"the {what} are {shown}{rest}" if names else f"there are no {what} yet"
    )


def listed(items: Sequence[str], joint: str) -> str:
    """`a, b or c`."""
    return f"{', '.join(items[:-1])} {joint} {items[-1]}" if len(items) > 1 else "".join(items)


def position(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def render(problem: Problem, text: str) -> str:
    """A problem for people: its place, message and hint, then the line it is in with carets under it.

    >>> problem = Problem("unknown-field", "unknown field 'contry'", "did you mean 'country'?", Span(0, 6))
    >>> print(render(problem, "contry = 1"))
    1:1  unknown field 'contry'; did you mean 'country'?
         contry = 1
         ^^^^^^
    """
    said = f"{problem.message}; {problem.hint}" if problem.hint else problem.message
    if problem.span is None:
        return f"{problem.path}  {said}" if problem.path else said
    line, column = position(text, problem.span.start)
    place = f"{line}:{column}  "
    shown, carets = _underlined(text, problem.span)
    margin = " " * len(place)
    return f"{place}{said}\n{margin}{shown}\n{margin}{carets}".rstrip()


def _underlined(text: str, span: Span) -> tuple[str, str]:
    """The line where a span begins, cropped around it when long, and carets under the span's part of that line."""
    begin = text.rfind("\n", 0, span.start) + 1
    end = text.find("\n", begin)
    end = len(text) if end < 0 else end
    first, last = span.start, max(min(span.end, end), span.start + 1)
    before, after = "", ""
    if end - begin > SHOWN:
        crop = max(begin, first - SHOWN // 2)
        before, after = "…" if crop > begin else "", "…" if crop + SHOWN < end else ""
        begin, end = crop, min(crop + SHOWN, end)
        last = max(min(last, end), first + 1)
    shown = before + text[begin:end].replace("\t", " ").replace("\r", " ") + after
    return shown, " " * (_width(text[begin:first]) + len(before)) + "^" * max(_width(text[first:last]), 1)


def _width(text: str) -> int:
    """Columns of a terminal that `text` takes: wide characters take two, combining marks none."""
    return sum(0 if combining(c) else 2 if east_asian_width(c) in "WF" else 1 for c in text)
