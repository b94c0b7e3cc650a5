"""Problems are data: a stable code, a message, a place and a hint. Rendering is separate."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
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
