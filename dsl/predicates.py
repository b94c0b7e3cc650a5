"""Tests: the conditions that ask one thing of one term, typed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from dsl import tree, typed
from dsl.bounds import FLIPPED, number_between, number_compared, number_equal, time_compared, within
from dsl.constants import Constants, is_constant
from dsl.folding import fold
from dsl.literals import quoted
from dsl.measure import NUMERIC, TEMPORAL, TEXTUAL, Measure, measure
from dsl.moments import Between
from dsl.names import NULLS, Ground
from dsl.parse import LIMITS, regex_too_long
from dsl.problems import Flaw, Problem, did_you_mean, listed
from dsl.schema import Type
from dsl.terms import Terms, article
from dsl.tree import Comparator
from dsl.typed import Compare, Condition, FieldTerm, Not, OneOf, Or, Predicate, Scope, Term, Test

Attempt = Callable[..., Any]


class Predicates(Struct, frozen=True):
    """Types tests. `attempt` notes a problem and goes on, where two sides can each have their own."""

    terms: Terms
    constants: Constants
    attempt: Attempt
    regex_problem: Callable[[str], str | None] | None

    def test(self, node: tree.Expression, ground: Ground) -> Condition:
        """The typed test a node stands for; Flaw when it stands for none."""
        if type(node) is tree.Comparison:
            return self._comparison(node, ground)
        tested = _TESTS.get(type(node))
        return self._flag(node, ground) if tested is None else self._negated(node, tested(self, node, ground))

    def _negated(self, node: Any, condition: Condition) -> Condition:
        return Not(node.span, condition) if node.negated else condition

    def _test(self, node: tree.Node, term: Term, predicate: Predicate, ground: Ground) -> Condition:
        test = Test(node.span, term, predicate)
        if type(term) is FieldTerm and term.scope is ground.scope:
            return test  # a field of the rows that the condition is about
        return _placed(test, ground, term)

    def _is_set(self, node: tree.IsSet, ground: Ground) -> Condition:
        return self._test(node, self.terms.term(node.item, ground), typed.IsSet(), ground)

    # --- flags ---

    def _flag(self, node: tree.Expression, ground: Ground) -> Condition:
        """A boolean alone is a condition; nothing else is."""
        if is_constant(node):
            hint = "write `everyone` or `nobody`" if isinstance(node, tree.Boolean) else "compare it with a field"
            raise Flaw(Problem("condition-needed", "a value alone is no condition", hint, node.span))
        term = self.terms.term(node, ground)
        found = measure(term).type
        if found is not Type.BOOLEAN:
            hint = "ask something of it, as in `is set`"
            message = f"found {article(found)}, where a condition is needed"
            raise Flaw(Problem("condition-needed", message, hint, node.span))
        return self._test(node, term, OneOf((True,)), ground)

    # --- comparisons ---

    def _comparison(self, node: tree.Comparison, ground: Ground) -> Condition:
        if node.comparator is Comparator.UNEQUAL:
            positive = tree.Comparison(node.span, Comparator.EQUAL, node.left, node.right)
            return Not(node.span, self._comparison(positive, ground))
        left, right = is_constant(node.left), is_constant(node.right)
        if left and right:
            hint = "compare a field with it; a text in quotes is never a field"
            raise Flaw(Problem("constant-condition", "two constants are compared", hint, node.span))
        if left:
            return self._with_constant(node, node.right, FLIPPED[node.comparator], node.left, ground)
        if right:
            return self._with_constant(node, node.left, node.comparator, node.right, ground)
        return self._of_two(node, ground)

    def _with_constant(
        self,
        node: tree.Comparison,
        item: tree.Expression,
        comparator: Comparator,
        value: tree.Expression,
        ground: Ground,
    ) -> Condition:
        term = self.terms.term(item, ground)
        return self._test(node, term, self._compared(term, measure(term), comparator, value), ground)

    def _compared(self, term: Term, found: Measure, comparator: Comparator, value: tree.Expression) -> Predicate:
        type = found.type
        if type in NUMERIC:
            return number_compared(found, comparator, self.constants.exact(value))
        if type in TEMPORAL:
            self._same_precision(found, value)
            return time_compared(found, comparator, self.constants.window(value), self.constants.zone)
        if comparator is not Comparator.EQUAL:
            self.ordered(term, "compared so")
        if type in TEXTUAL:
            return OneOf((self._option(found, value),))
        if type is Type.TAGS:
            raise _tags_hint(term, 'has "…"')
        return OneOf((self.constants.boolean(value),))

    def _of_two(self, node: tree.Comparison, ground: Ground) -> Condition:
        left = self.attempt(self.terms.term, node.left, ground)
        right = self.attempt(self._right, node, left, ground)
        if left is None or right is None:
            raise Flaw(None)
        kinds = _comparable(measure(left)), _comparable(measure(right))
        if kinds[0] is not kinds[1]:
            found = f"{article(measure(left).type)} and {article(measure(right).type)}"
            message = f"found {found}, where two of one type are needed"
            raise Flaw(Problem("type-mismatch", message, span=node.span))
        if node.comparator is not Comparator.EQUAL:
            self.ordered(left, "compared so")
        if kinds[0] is Type.TAGS:
            raise _tags_hint(left, 'has "…"')
        return _placed(Compare(node.span, node.comparator.value, left, right), ground, left, right)

    def _right(self, node: tree.Comparison, left: Term | None, ground: Ground) -> Term:
        """The right side; an unknown name where a text would do is most often a text without its quotes."""
        try:
            return self.terms.term(node.right, ground)
        except Flaw as flaw:
            bare = _bare_text(node.right, left, flaw.problem)
            if bare is None:
                raise
            raise Flaw(bare) from None

    def ordered(self, term: Term, how: str) -> None:
        """Flaw unless the values of a term come in an order."""
        found = measure(term)
        if not (found.is_numeric or found.is_temporal):
            hint = "numbers, dates and datetimes can be"
            raise Flaw(Problem("type-mismatch", f"{article(found.type)} cannot be {how}", hint, term.span))

    # --- lists and ranges ---

    def _among(self, node: tree.Among, ground: Ground) -> Condition:
        term = self.terms.term(node.item, ground)
        found = measure(term)
        if found.type is Type.TAGS:
            raise _tags_hint(term, "has any (…)")
        values = self.constants.items(node.values, found.is_temporal)
        predicates = [self.attempt(self._equal, term, found, value) for value in values]
        return self._any_of(node, term, [p for p in predicates if p is not None], ground)

    def _equal(self, term: Term, found: Measure, value: tree.Expression) -> Predicate:
        if found.is_numeric:
            return number_equal(found, self.constants.exact(value))
        return self._compared(term, found, Comparator.EQUAL, value)

    def _any_of(self, node: tree.Node, term: Term, predicates: list[Predicate], ground: Ground) -> Condition:
        """Values together in one `OneOf`, whatever has a width beside it."""
        values = tuple(dict.fromkeys(value for p in predicates if isinstance(p, OneOf) for value in p.values))
        wide = [p for p in predicates if not isinstance(p, OneOf)]
        parts = [*([OneOf(values)] if values or not wide else []), *wide]
        tests = tuple(self._test(node, term, part, ground) for part in parts)
        return tests[0] if len(tests) == 1 else Or(node.span, tests)

    def _between(self, node: tree.Between, ground: Ground) -> Condition:
        """Both ends included. Ends that vary are compared one by one."""
        if not (is_constant(node.low) and is_constant(node.high)):
            low = tree.Comparison(node.span, Comparator.GREATER_EQUAL, node.item, node.low)
            high = tree.Comparison(node.span, Comparator.LESS_EQUAL, node.item, node.high)
            return typed.And(node.span, (self._comparison(low, ground), self._comparison(high, ground)))
        term = self.terms.term(node.item, ground)
        found = measure(term)
        if found.is_temporal:
            window = Between(self._window(found, node.low), self._window(found, node.high))
            return self._test(node, term, within(found, window, self.constants.zone), ground)
        self.ordered(term, "compared so")
        low_number = self.attempt(self.constants.exact, node.low)
        high_number = self.constants.exact(node.high)
        return self._test(node, term, number_between(found, low_number, high_number), ground)

    # --- time ---

    def _timed(self, node: tree.Timed, ground: Ground) -> Condition:
        term = self._temporal(node.item, ground)
        found = measure(term)
        self._same_precision(found, node.timing.first)
        return self._test(node, term, within(found, self.constants.timing(node.timing), self.constants.zone), ground)

    def _anniversary(self, node: tree.Anniversary, ground: Ground) -> Condition:
        term = self._temporal(node.item, ground)
        return self._test(node, term, typed.Anniversary(self.constants.timing(node.timing)), ground)

    def _temporal(self, node: tree.Expression, ground: Ground) -> Term:
        term = self.terms.term(node, ground)
        if not measure(term).is_temporal:
            message = f"found {article(measure(term).type)}, where a date or a datetime is needed"
            kept = isinstance(node, tree.FieldName) and measure(term).is_textual
            hint = "a field keeps its type: bring its values in anew, as a field of type date" if kept else None
            raise Flaw(Problem("type-mismatch", message, hint, node.span))
        return term

    def _window(self, found: Measure, node: tree.Expression) -> Any:
        self._same_precision(found, node)
        return self.constants.window(node)

    def _same_precision(self, found: Measure, node: tree.Expression) -> None:
        """A date has no time of day to compare with a datetime's."""
        bound = self.constants.bound(node, temporal=True)
        if found.type is Type.DATE and isinstance(bound, tree.Instant):
            hint = f"write the day alone: {bound.text[:10]}"
            raise Flaw(Problem("type-mismatch", "found a datetime, where a date is needed", hint, node.span))

    # --- text ---

    def _option(self, found: Measure, value: tree.Expression) -> str:
        """A text folded; of a choice, one of its options."""
        text = self.constants.text(value)
        folded = fold(text)
        if found.type is Type.CHOICE and folded not in {fold(option) for option in found.options}:
            raise Flaw(self._no_option(found, text, value))
        return folded

    def _no_option(self, found: Measure, text: str, value: tree.Expression) -> Problem:
        options = [quoted(option) for option in found.options[:8]]
        more = "…" if len(found.options) > len(options) else ""
        hint = did_you_mean(text, found.options, quote='"') or f"the options are {listed(options, 'and')}{more}"
        return Problem("unknown-option", f"there is no option {quoted(text)}", hint, value.span)

    def _textual_term(self, node: tree.Expression, ground: Ground) -> Term:
        term = self.terms.term(node, ground)
        found = measure(term)
        if found.type is Type.TAGS:
            raise _tags_hint(term, 'has "…"')
        if not found.is_textual:
            message = f"found {article(found.type)}, where a text is needed"
            raise Flaw(Problem("type-mismatch", message, span=node.span))
        return term

    def _textual(self, node: tree.Textual, ground: Ground) -> Condition:
        term = self._textual_term(node.item, ground)
        text = fold(self.constants.text(node.text))
        return self._test(node, term, _TEXT_TESTS[node.test](text), ground)

    def _exactly(self, node: tree.Exactly, ground: Ground) -> Condition:
        term = self._textual_term(node.item, ground)
        found, text = measure(term), self.constants.text(node.text)
        if found.type is Type.CHOICE and text not in found.options:
            raise Flaw(self._no_option(found, text, node.text))
        return self._test(node, term, typed.ExactlyOneOf((text,)), ground)

    def _matches(self, node: tree.Matches, ground: Ground) -> Condition:
        term = self._textual_term(node.item, ground)
        if isinstance(node.pattern, tree.Regex):
            pattern, ignore_case = node.pattern.pattern, node.pattern.ignore_case
        else:
            pattern, ignore_case = self.constants.text(node.pattern), False
        self._compiles(pattern, node.pattern)
        return self._test(node, term, typed.Matches(pattern, ignore_case), ground)

    def _compiles(self, pattern: str, node: tree.Node) -> None:
        if len(pattern) > LIMITS.regex:
            raise Flaw(regex_too_long(len(pattern), node.span))
        wrong = self.regex_problem(pattern) if self.regex_problem else None
        if wrong is not None:
            hint = "the syntax is RE2's: no backreferences, no look-around"
            raise Flaw(Problem("bad-regex", f"not a regular expression: {wrong}", hint, node.span))

    # --- tags ---

    def _has(self, node: tree.Has, ground: Ground) -> Condition:
        term = self.terms.term(node.item, ground)
        found = measure(term)
        if found.type is not Type.TAGS:
            hint = 'write `contains "…"`' if found.is_textual else None
            raise Flaw(
                Problem("type-mismatch", f"found {article(found.type)}, where tags are needed", hint, node.item.span)
            )
        texts = [self.attempt(self._folded, value) for value in self._asked(node)]
        values = tuple(dict.fromkeys(text for text in texts if text is not None))
        match node.quantifier:
            case tree.Quantifier.ALL:
                return self._test(node, term, typed.HasAll(values), ground)
            case tree.Quantifier.NONE:
                return Not(node.span, self._test(node, term, typed.HasAny(values), ground))
            case _:
                return self._test(node, term, typed.HasAny(values), ground)

    def _folded(self, value: tree.Expression) -> str:
        return fold(self.constants.text(value))

    def _asked(self, node: tree.Has) -> list[tree.Expression]:
        if node.quantifier is None and isinstance(node.values, tree.Parameter):
            return [node.values]
        return self.constants.items(node.values)


_TESTS: Mapping[type[tree.Expression], Callable[[Predicates, Any, Ground], Condition]] = {
    tree.Among: Predicates._among,
    tree.Between: Predicates._between,
    tree.Timed: Predicates._timed,
    tree.Anniversary: Predicates._anniversary,
    tree.Textual: Predicates._textual,
    tree.Exactly: Predicates._exactly,
    tree.Matches: Predicates._matches,
    tree.IsSet: Predicates._is_set,
    tree.Has: Predicates._has,
}
"""By kind: those that can be negated."""


_TEXT_TESTS: Mapping[tree.TextTest, Callable[[str], Predicate]] = {
    tree.TextTest.CONTAINS: typed.Contains,
    tree.TextTest.STARTS: typed.StartsWith,
    tree.TextTest.ENDS: typed.EndsWith,
    tree.TextTest.LIKE: typed.Like,
}
"""What each asks of a folded text."""


def _bare_text(node: tree.Expression, left: Term | None, problem: Problem | None) -> Problem | None:
    """The problem of a text without its quotes, when that is what an unknown name most likely is."""
    if problem is None or problem.code != "unknown-field" or left is None or not measure(left).is_textual:
        return None
    if not isinstance(node, tree.FieldName) or node.owner is not None or fold(node.name.name) in NULLS:
        return None
    hint = f"if it is a text, put it in quotes: {quoted(node.name.name)}"
    return Problem("unknown-field", problem.message, hint, node.span)


def _comparable(found: Measure) -> Type:
    """Types that compare with each other are one: numbers with floats, texts with choices."""
    return {Type.FLOAT: Type.NUMBER, Type.CHOICE: Type.TEXT}.get(found.type, found.type)


def _tags_hint(term: Term, form: str) -> Flaw:
    return Flaw(Problem("type-mismatch", "tags are a set of texts", f"write `{form}`", term.span))


def _placed(condition: Test | Compare, ground: Ground, *terms: Term) -> Condition:
    """A condition on company fields, seen from contacts; Flaw when it mixes both."""
    if ground.scope is not Scope.CONTACTS:
        return condition
    scopes = {scope for term in terms for scope in _scopes(term)}
    if Scope.COMPANIES not in scopes:
        return condition
    if len(scopes) > 1:
        message = "a value of the company and one of the contact cannot be compared"
        raise Flaw(Problem("mixed-rows", message, span=condition.span))
    return typed.OfCompany(condition.span, condition)


def _scopes(term: Term) -> set[Scope]:
    """Whose rows a term varies with."""
    match term:
        case FieldTerm(scope=scope):
            return {scope}
        case typed.Aggregate() | typed.Bucket():
            return {Scope.CONTACTS}
        case typed.Arithmetic(left=left, right=right):
            return _scopes(left) | _scopes(right)
        case typed.DatePart(term=inner):
            return _scopes(inner)
        case typed.Constant():
            return set()
        case _:
            raise TypeError(f"no term: {type(term).__name__}")
