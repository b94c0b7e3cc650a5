"""What a translation tells: the problems that stop it, and the differences to know of when nothing does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TypeVar

from dsl.parse import LIMITS
from dsl.problems import MOST_PROBLEMS, Flaw, Problem, Span

Result = TypeVar("Result")


class Halt(Exception):
    """What is translated is larger than any expression may be, or has MOST_PROBLEMS: nobody reads more. It is told."""


@dataclass(slots=True)
class Report:
    """Gathers problems and notes; each is told once for each place."""

    problems: list[Problem] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def count(self, path: str, depth: int) -> None:
        """One more part of a document, `depth` levels down; Halt beyond the limits of expressions."""
        self.nodes += 1
        if depth > LIMITS.depth:
            self._halt("too-deep", f"the document is more than {LIMITS.depth} levels deep", path)
        if self.nodes > LIMITS.nodes:
            self._halt("too-many-nodes", f"the document has more than {LIMITS.nodes:,} rules or operations", path)

    def _halt(self, code: str, message: str, path: str) -> None:
        self.problems = [Problem(code, message, "save parts of it as segments", path=path)]
        raise Halt

    def tell(self, problem: Problem) -> None:
        if problem not in self.problems:
            self.problems.append(problem)
        if len(self.problems) >= MOST_PROBLEMS:
            raise Halt

    def bad(self, path: str, message: str, hint: str | None = None) -> None:
        """A part of a document that has no meaning here."""
        self.tell(Problem("bad-rules", message, hint, path=path))

    def unsaid(self, span: Span, message: str, hint: str | None = None) -> None:
        """A part of an expression that the form cannot say."""
        self.tell(Problem("not-expressible", message, hint, span))

    def note(self, message: str, hint: str | None = None, path: str | None = None, span: Span | None = None) -> None:
        """A difference between the two sides that the answer alone does not show."""
        found = Problem("forms-differ", message, hint, span, path)
        if len(self.notes) < MOST_PROBLEMS and found not in self.notes:
            self.notes.append(found)

    def attempt(self, make: Callable[[], Result], path: str) -> Result | None:
        """What `make` gives, or None once its problem is told, at `path`."""
        try:
            return make()
        except Flaw as flaw:
            if flaw.problem is not None:
                self.tell(replace(flaw.problem, span=None, path=path))
            return None


TEXT_DIFFERS = "texts are compared here without regard to case or accents; other programs may compare to the letter"
