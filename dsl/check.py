"""Checking: surface tree + schema -> typed tree. Every problem is found before any is raised."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from dsl import tree, typed
from dsl.constants import Constants
from dsl.frequency import did, quorum, reaches
from dsl.names import CONTACTS, Ground, Names
from dsl.parse import read
from dsl.predicates import Predicates
from dsl.problems import MOST_PROBLEMS, ExpressionError, Flaw, Problem, Span
from dsl.schema import Field, Schema
from dsl.terms import Terms, article
from dsl.typed import Condition, Scope

RegexProblem = Callable[[str], str | None]
"""Says what is wrong with a regular expression, or None: the engine that will run it knows."""

Asked = ParamSpec("Asked")
Result = TypeVar("Result")


def check(
    selection: tree.Selection,
    schema: Schema,
    *,
    segments: Mapping[str, str] | None = None,
    params: Mapping[str, object] | None = None,
    text: str = "",
    regex_problem: RegexProblem | None = None,
) -> typed.Selection:
    """The typed tree of an expression.

    `segments` maps keys to display names; `params` gives values (plain JSON ones will do) to `$names`; `text` is
    what was parsed, for the problems. ExpressionError with every problem.
    """
    checker = _Checker(schema, segments or {}, params or {}, regex_problem)
    checker.parameters(selection)
    return _checked(checker, selection, text)


def understand(
    text: str,
    schema: Schema,
    *,
    segments: Mapping[str, str] | None = None,
    params: Mapping[str, object] | None = None,
    regex_problem: RegexProblem | None = None,
) -> typed.Selection:
    """Parse and check at once: the problems of form and those of meaning come together in one ExpressionError."""
    reading = read(text)
    if reading.selection is None:
        raise ExpressionError(text, reading.problems)
    checker = _Checker(schema, segments or {}, params or {}, regex_problem)
    checker.problems.extend(reading.problems)
    if params or "$" in text:
        checker.parameters(reading.selection)
    return _checked(checker, reading.selection, text)


def _checked(checker: _Checker, selection: tree.Selection, text: str) -> typed.Selection:
    try:
        result = checker.selection(selection)
    except _Enough:
        result = None
    finally:
        checker.ended()
    if checker.problems or result is None:
        raise ExpressionError(text, _in_order(checker.problems))
    return result


class _Enough(Exception):
    """MOST_PROBLEMS were found: nobody reads more, and looking for close names takes time."""


def _in_order(problems: list[Problem]) -> list[Problem]:
    """From the beginning of the text on. Where the form is another language's, nothing else is told."""
    foreign = [p.span for p in problems if p.code == "foreign-form" and p.span]
    told = [p for p in problems if p.code == "foreign-form" or not _within(p.span, foreign)]
    return sorted(dict.fromkeys(told), key=lambda p: p.span.start if p.span else -1)


def _within(span: Span | None, others: list[Span]) -> bool:
    return span is not None and any(other.start <= span.start and span.end <= other.end for other in others)


class _Checker:
    """Walks one surface tree. A part that cannot be typed leaves its problem behind and `Nobody` in its place."""

    def __init__(
        self,
        schema: Schema,
        segments: Mapping[str, str],
        params: Mapping[str, object],
        regex_problem: RegexProblem | None,
    ) -> None:
        self.problems: list[Problem] = []
        self.names = Names(schema, segments)
        self.params = params
        self.constants = Constants(_zone(schema.timezone), params)
        self.terms = Terms(self.names, self.constants, self.selector)
        self.predicates = Predicates(self.terms, self.constants, self.attempt, regex_problem)

    def ended(self) -> None:
        """Let go of those that refer to this checker: nothing is left for the garbage collector to find."""
        del self.terms, self.predicates

    def attempt(self, make: Callable[Asked, Result], *args: Asked.args, **kwargs: Asked.kwargs) -> Result | None:
        """What `make` gives, or None once its problem is noted."""
        try:
            return make(*args, **kwargs)
        except Flaw as flaw:
            self._note(flaw)
            return None

    def _note(self, flaw: Flaw) -> None:
        if flaw.problem is not None:
            self.problems.append(flaw.problem)
        if len(self.problems) >= MOST_PROBLEMS:
            raise _Enough from None

    # --- the whole ---

    def selection(self, node: tree.Selection) -> typed.Selection:
        cut = None if node.cut is None else self.attempt(self._cut, node.cut)
        return typed.Selection(self.condition(node.condition, CONTACTS), cut)

    def parameters(self, node: tree.Selection) -> None:
        """Parameters and their values must be the same names."""
        nodes = list(tree.walk(node))
        asked = {found.name: found.span for found in nodes if isinstance(found, tree.Parameter)}
        for name in asked.keys() - self.params.keys():
            self.problems.append(Problem("missing-parameter", f"no value is given for ${name}", span=asked[name]))
        if any(isinstance(found, tree.Broken) for found in nodes):
            return  # the others may stand in what could not be read
        for name in self.params.keys() - asked.keys():
            message = f"the parameter {name!r} is given a value, and ${name} stands nowhere"
            self.problems.append(Problem("unused-parameter", message))

    def _cut(self, node: tree.Cut) -> typed.Cut:
        count = self.constants.whole(node.count, 1)
        if node.by is None:
            return typed.Cut(node.span, node.kind, count, seed=node.seed.value if node.seed else "")
        term = self.terms.term(node.by, CONTACTS)
        self.predicates.ordered(term, "ranked")
        return typed.Cut(node.span, node.kind, count, term)

    # --- conditions ---

    def condition(self, node: tree.Expression, ground: Ground) -> Condition:
        """The typed condition, or `Nobody` with its problem noted."""
        try:
            return self._condition(node, ground)
        except Flaw as flaw:
            self._note(flaw)
            return typed.Nobody(node.span)

    def _condition(self, node: tree.Expression, ground: Ground) -> Condition:
        made = _CONDITIONS.get(type(node))
        return self.predicates.test(node, ground) if made is None else made(self, node, ground)

    def _both(self, node: tree.Both, ground: Ground) -> Condition:
        return typed.And(node.span, tuple(self._joined(item, ground) for item in node.items))

    def _either(self, node: tree.Either, ground: Ground) -> Condition:
        return typed.Or(node.span, self._conditions(node.items, ground))

    def _not(self, node: tree.Not, ground: Ground) -> Condition:
        return typed.Not(node.span, self.condition(node.item, ground))

    def _broken(self, node: tree.Broken, ground: Ground) -> Condition:
        self._look_up(node, ground)
        raise Flaw(None)

    def _look_up(self, node: tree.Node, ground: Ground) -> None:
        """Look up the names in what is broken. The rest of it may be wrong for no other reason than that."""
        match node:
            case tree.FieldName():
                self.attempt(self.names.field, node, ground)
            case tree.InSegment(segment=segment):
                self.attempt(self.names.segment, segment)
            case tree.Selector(event=event, where=where):
                found = self.attempt(self.names.event, event) if event else None
                if where is not None and found is not None:
                    self._look_up(where, Ground(Scope.EVENTS, found))
            case _:
                for child in tree.children(node):
                    self._look_up(child, ground)

    def _joined(self, node: tree.Expression, ground: Ground) -> Condition:
        if type(node) is tree.Except:
            return typed.Not(node.span, self.condition(node.item, ground))
        return self.condition(node, ground)

    def _conditions(self, items: tuple[tree.Expression, ...], ground: Ground) -> tuple[Condition, ...]:
        return tuple(self.condition(item, ground) for item in items)

    def _quorum(self, node: tree.Quorum, ground: Ground) -> Condition:
        items = self._conditions(node.items, ground)
        if isinstance(node.how, tree.Quantifier):
            return _quantified(node.span, node.how, items)
        count = self.constants.whole(node.how.count, 0, len(items))
        return quorum(node.span, node.how.bound, count, items)

    def _of_contacts(
        self, node: tree.Did | tree.Regularity | tree.Sequence | tree.InSegment | tree.Sample, ground: Ground
    ) -> Condition:
        if ground.scope is not Scope.CONTACTS:
            message = "inside a selector's parentheses only conditions on the event's properties can stand"
            raise Flaw(Problem("not-here", message, span=node.span))
        match node:
            case tree.Did():
                found = self._did(node)
            case tree.InSegment(segment=segment, rules_only=rules_only):
                return typed.InSegment(node.span, self.names.segment(segment), rules_only)
            case tree.Sample():
                return self._sample(node)
            case tree.Regularity():
                found = self._regularity(node)
            case tree.Sequence():
                found = self._sequence(node)
        return typed.Not(node.span, found) if node.negated else found

    def _sample(self, node: tree.Sample) -> Condition:
        share = self.constants.number(node.percent) / 100
        if not 0 <= share <= 1:
            raise Flaw(Problem("out-of-range", "a share lies between 0% and 100%", span=node.percent.span))
        return typed.Sample(node.span, share, node.seed.value)

    # --- events ---

    def selector(self, node: tree.Selector) -> typed.Selector:
        """A typed selector. Its parts are checked apart, so that each can leave its problem."""
        event = self.names.event(node.event) if node.event else None
        window = None if node.timing is None else self.attempt(self.constants.timing, node.timing)
        where = self.condition(node.where, Ground(Scope.EVENTS, event)) if node.where else None
        return typed.Selector(node.span, event, where, window)

    def _did(self, node: tree.Did) -> Condition:
        selector = self.selector(node.selector)
        low, high = (1, None) if node.times is None else self._reaches(node.times)
        return did(node.span, selector, low, high)

    def _reaches(self, frequency: tree.Frequency) -> tuple[int, int | None]:
        count = self.constants.whole(frequency.count)
        high = count if frequency.high is None else self.constants.whole(frequency.high)
        return reaches(frequency.bound, count, high)

    def _regularity(self, node: tree.Regularity) -> Condition:
        selector = self.selector(node.selector)
        spans = self.constants.whole(node.spans.count, 1, 10_000)
        low, high = self._reaches(node.frequency)
        if max(low, high or 0) > spans:
            message = f"there are only {spans} spans to count"
            raise Flaw(Problem("out-of-range", message, span=node.frequency.span))
        return typed.Regularity(node.span, selector, low, high, spans, node.spans.unit)

    def _sequence(self, node: tree.Sequence) -> Condition:
        first = self.selector(node.first)
        steps = [typed.Step(node.first.span, first)]
        for step in node.steps:
            steps.append(self._step(step, steps))
        return typed.Sequence(node.span, tuple(steps))

    def _step(self, node: tree.Step, earlier: list[typed.Step]) -> typed.Step:
        plain, same = _correlations(node.selector)
        selector = self.selector(plain)
        found = [self.attempt(self._correlation, selector, pair, earlier) for pair in same]
        within = self.constants.duration(node.within) if node.within else None
        correlations = tuple(correlation for correlation in found if correlation is not None)
        return typed.Step(
            node.span, selector, within.exact_ms if within else None, node.absent, correlations, within=within
        )

    def _correlation(
        self, selector: typed.Selector, pair: tuple[tree.FieldName, tree.Same], earlier: list[typed.Step]
    ) -> typed.Correlation:
        name, same = pair
        here = self.names.property(selector.event, name.name)
        there = self._nearest(same.name.name, earlier)
        if there is None:
            message = f"no earlier step has a property {same.name.name!r}"
            raise Flaw(Problem("same-unmatched", message, span=same.span))
        if here.type is not there.type:
            message = f"{name.name.name!r} is {article(here.type)}, and {same.name.name!r} {article(there.type)}"
            raise Flaw(Problem("type-mismatch", message, "values of one type are compared", same.span))
        return typed.Correlation(here, there)

    def _nearest(self, name: str, earlier: list[typed.Step]) -> Field | None:
        """The property of the last earlier step that has it; a step that must not occur has no value to share."""
        for step in reversed(earlier):
            found = None if step.absent else self.names.find_property(step.selector.event, name)
            if found is not None:
                return found
        return None


_CONDITIONS: Mapping[type[tree.Node], Callable[[_Checker, Any, Ground], Condition]] = {
    tree.Both: _Checker._both,
    tree.Either: _Checker._either,
    tree.Not: _Checker._not,
    tree.Did: _Checker._of_contacts,
    tree.Regularity: _Checker._of_contacts,
    tree.Sequence: _Checker._of_contacts,
    tree.InSegment: _Checker._of_contacts,
    tree.Sample: _Checker._of_contacts,
    tree.Quorum: _Checker._quorum,
    tree.Everyone: lambda _, node, ground: typed.Everyone(node.span),
    tree.Nobody: lambda _, node, ground: typed.Nobody(node.span),
    tree.Broken: _Checker._broken,
}
"""By kind: what is no test of one term."""


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _quantified(span: Span, quantifier: tree.Quantifier, items: tuple[Condition, ...]) -> Condition:
    match quantifier:
        case tree.Quantifier.ANY:
            return typed.Or(span, items)
        case tree.Quantifier.ALL:
            return typed.And(span, items)
        case tree.Quantifier.NONE:
            return typed.Not(span, typed.Or(span, items))


def _correlations(selector: tree.Selector) -> tuple[tree.Selector, list[tuple[tree.FieldName, tree.Same]]]:
    """A step's selector without its `property = same property` conditions, and those apart."""
    items = selector.where.items if isinstance(selector.where, tree.Both) else (selector.where,)
    pairs = [(item, _pair(item)) for item in items if item is not None]
    same = [pair for _, pair in pairs if pair is not None]
    if not same:
        return selector, []
    rest = tuple(item for item, pair in pairs if pair is None)
    where = tree.Both(rest[0].span, rest) if len(rest) > 1 else rest[0] if rest else None
    return tree.Selector(selector.span, selector.event, where, selector.timing), same


def _pair(node: tree.Expression) -> tuple[tree.FieldName, tree.Same] | None:
    match node:
        case tree.Comparison(
            comparator=tree.Comparator.EQUAL, left=tree.FieldName(owner=None) as name, right=tree.Same() as same
        ):
            return name, same
        case tree.Comparison(
            comparator=tree.Comparator.EQUAL, left=tree.Same() as same, right=tree.FieldName(owner=None) as name
        ):
            return name, same
        case _:
            return None
