"""JsonLogic as expressions that select exactly the contacts for which the logic is true.

JsonLogic takes a missing value for 0 where it compares or computes. Such a test is read with `or … is not set` beside
it, unless the logic asks that the values are there: `{"and": [{"!=": [x, null]}, {"<": [x, 30]}]}` is `x < 30`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Any

from dsl import tree
from dsl.interop.fields import Fields
from dsl.interop.json_logic import UNREAD
from dsl.interop.literals import bad, said
from dsl.interop.logic_operands import VALUES
from dsl.interop.logic_tests import TESTS, Meaning, Tests, exactly, negation
from dsl.interop.report import Report
from dsl.problems import NOWHERE, did_you_mean


@dataclass(slots=True)
class Reading:
    """Reads one document. A condition with a problem anywhere in it is None, and the problem is told."""

    fields: Fields
    report: Report
    tests: Tests = field(init=False)

    def __post_init__(self) -> None:
        self.tests = Tests(self.fields, self.report)

    def document(self, logic: object, path: str) -> tree.Expression | None:
        return self._alone(logic, path, 1)

    # --- conditions ---

    def _alone(self, logic: object, path: str, depth: int) -> tree.Expression | None:
        """A condition with no other beside it that could hold for its guards."""
        found = self._condition(logic, path, depth)
        return None if found is None else self._settled(found, path)

    def _settled(self, found: Meaning, path: str) -> tree.Expression | None:
        if not found.guards:
            return found.node
        if found.otherwise is not None:
            message = "JsonLogic takes a missing value for 0 here, so contacts without one are selected too"
            self.report.note(message, 'to leave them out, add {"!=": [{"var": …}, null]} in an "and"', path)
            return found.otherwise
        message = "JsonLogic goes on with 0 or with infinity where a value is missing here, which cannot be said"
        self.report.bad(path, message, 'put it in an "and" with {"!=": [x, null]} for every field, or 0 for a divisor')
        return None

    def _condition(self, logic: object, path: str, depth: int) -> Meaning | None:
        """What a condition means, or None once what is wrong with it is told."""
        self.report.count(path, depth)
        if isinstance(logic, bool):
            return Meaning(tree.Everyone(NOWHERE) if logic else tree.Nobody(NOWHERE))
        operation = self._operation(logic, path)
        if operation is None:
            return None
        name, given = operation
        here = f"{path}.{name}" if name.isidentifier() else f'{path}["{name}"]'
        if name in JOINTS:
            return self.report.attempt(partial(JOINTS[name], self, name, given, here, depth), here)
        if name in TESTS:
            return self.report.attempt(partial(TESTS[name], self.tests, name, given, here, depth), here)
        self.report.bad(here, *_no_condition(name))
        return None

    def _operation(self, logic: object, path: str) -> tuple[str, list[Any]] | None:
        """The one key of an operation, and its arguments as a list."""
        if not isinstance(logic, Mapping):
            self.report.bad(
                path, f"found {said(logic)}, where a condition is needed", 'such as {"==": [{"var": "x"}, 1]}'
            )
            return None
        if len(logic) != 1 or not all(isinstance(name, str) for name in logic):
            self.report.bad(path, f"found an object of {len(logic)} members, where an operation has one")
            return None
        [(name, given)] = logic.items()
        return name, list(given) if isinstance(given, list | tuple) else [given]

    def _and(self, name: str, given: list[Any], path: str, depth: int) -> Meaning | None:
        """Conditions that hold together: each may hold the guards of the others."""
        found = self._each(given, path, depth)
        if found is None:
            return None
        held = _held(found)
        absorbed = {guard for i in held if found[i].absorbs for guard in found[i].guards}
        items = [
            meaning.node if i in held else self._settled(meaning, f"{path}[{i}]")
            for i, meaning in enumerate(found)
            if meaning.node not in absorbed
        ]
        kept = tuple(item for item in items if item is not None)
        if len(kept) < len(items):
            return None
        return Meaning(kept[0] if len(kept) == 1 else tree.Both(NOWHERE, kept))

    def _or(self, name: str, given: list[Any], path: str, depth: int) -> Meaning | None:
        found = self._each(given, path, depth)
        if found is None:
            return None
        items = [self._settled(meaning, f"{path}[{i}]") for i, meaning in enumerate(found)]
        kept = tuple(item for item in items if item is not None)
        if len(kept) < len(items):
            return None
        return Meaning(kept[0] if len(kept) == 1 else tree.Either(NOWHERE, kept))

    def _each(self, given: list[Any], path: str, depth: int) -> list[Meaning] | None:
        if not given:
            raise bad("found nothing to join, where one condition or more is needed", "remove it, or give it one")
        found = [self._condition(item, f"{path}[{i}]", depth + 1) for i, item in enumerate(given)]
        kept = [meaning for meaning in found if meaning is not None]
        return kept if len(kept) == len(found) else None

    def _not(self, name: str, given: list[Any], path: str, depth: int) -> Meaning | None:
        [logic] = exactly(1, given)
        item = self._alone(logic, f"{path}[0]", depth + 1)
        if item is None:
            return None
        return Meaning(negation(item) if name == "!" else item)


Joint = Callable[[Reading, str, list[Any], str, int], Meaning | None]

JOINTS: Mapping[str, Joint] = MappingProxyType(
    {"and": Reading._and, "or": Reading._or, "!": Reading._not, "!!": Reading._not}
)
"""The operations that join conditions; every other condition is a test."""


def _no_condition(name: str) -> tuple[str, str | None]:
    if name in VALUES:
        return f"'{name}' gives a value, where a condition is needed", "compare it with another"
    return f"the operation '{name}' has no meaning here", UNREAD.get(name) or did_you_mean(name, (*JOINTS, *TESTS))


def _held(found: list[Meaning]) -> set[int]:
    """Which conditions of a conjunction have no guards, or guards that others of it are."""
    held = {i for i, meaning in enumerate(found) if not meaning.guards}
    waiting = [i for i in range(len(found)) if i not in held]
    nodes = {found[i].node for i in held}
    while True:
        more = [i for i in waiting if nodes.issuperset(found[i].guards)]
        if not more:
            return held
        held.update(more)
        nodes.update(found[i].node for i in more)
        waiting = [i for i in waiting if i not in held]
