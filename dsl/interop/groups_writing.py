"""Plain expressions as the rule groups of react-querybuilder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dsl import tree
from dsl.interop.fields import Fields
from dsl.interop.literals import json_number, plain_number
from dsl.interop.report import TEXT_DIFFERS, Report
from dsl.interop.rule_groups import BY_LIST, BY_NULL, BY_RANGE, BY_TEST, NEGATIVE, NULL, negation_differs
from dsl.tree import Comparator, TextTest

Json = dict[str, Any]


@dataclass(slots=True)
class Writing:
    """Writes a plain expression. A part that no rule can say is told, and None.

    `independent` puts combinators between the rules (RuleGroupTypeIC).
    """

    fields: Fields
    report: Report
    independent: bool = False

    def document(self, node: tree.Expression) -> Json:
        return self._group(node)

    def _group(self, node: tree.Expression, negated: bool = False) -> Json:
        match node:
            case tree.Not(item=tree.Not() as item) if not negated:
                return self._of("and", (item,), True)
            case tree.Not(item=item) if not negated:
                return self._group(item, True)
            case tree.Both(items=items):
                return self._of("and", items, negated)
            case tree.Either(items=items):
                return self._of("or", items, negated)
            case _:
                return self._of("and", (node,), negated)

    def _of(self, combinator: str, items: tuple[tree.Expression, ...], negated: bool) -> Json:
        rules: list[Any] = [self._member(item) for item in items]
        if negated:
            message, hint = negation_differs("without a value")
            self.report.note(message, hint, span=items[0].span)
        flag = {"not": True} if negated else {}
        if not self.independent:
            return {"combinator": combinator, **flag, "rules": rules}
        return {**flag, "rules": [part for rule in rules for part in (combinator, rule)][1:]}

    def _member(self, node: tree.Expression) -> Json | None:
        match node:
            case tree.Both() | tree.Either():
                return self._group(node)
            case tree.Not(item=tree.Comparison(comparator=Comparator.EQUAL, left=left, right=right)):
                return self._rule(tree.Comparison(node.span, Comparator.UNEQUAL, left, right))
            case tree.Not():
                return self._group(node)
            case _:
                return self._rule(node)

    def _rule(self, node: tree.Expression) -> Json | None:
        match node:
            case tree.Everyone():
                return {"field": "id", "operator": "notNull", "value": None}
            case tree.Nobody():
                return {"field": "id", "operator": "null", "value": None}
            case tree.IsSet(item=tree.FieldName() as item, negated=negated):
                return self._test(item, BY_NULL[negated], None)
            case tree.Comparison(comparator=comparator, left=tree.FieldName() as left, right=right):
                return self._test(left, comparator.value, right)
            case tree.Between(item=tree.FieldName() as item, low=low, high=high, negated=negated):
                return self._test(item, BY_RANGE[negated], [low, high])
            case tree.Among(item=tree.FieldName() as item, values=tree.Values(items=items), negated=negated):
                return self._test(item, BY_LIST[negated], list(items))
            case tree.Textual(test=test, item=tree.FieldName() as item, text=text, negated=negated):
                return self._test(item, BY_TEST[test, negated], text)
            case tree.Has(item=tree.FieldName() as item, values=tree.Values(items=items), negated=negated):
                return self._test(item, BY_LIST[negated], list(items))
            case tree.Has(item=tree.FieldName() as item, values=tree.Text() as text, negated=negated):
                return self._test(item, BY_TEST[TextTest.CONTAINS, negated], text)
            case tree.Exactly():
                hint = "`=` compares without regard to case and accents"
                self.report.unsaid(node.span, "no operator compares to the letter", hint)
            case _:
                hint = "a rule is a field, an operator and a value or another field"
                self.report.unsaid(node.span, "arithmetic cannot be said", hint)
        return None

    def _test(
        self, item: tree.FieldName, operator: str, value: tree.Expression | list[tree.Expression] | None
    ) -> Json | None:
        name = self.fields.name(item, self.report)
        if name is None:
            return None
        rule: Json = {"field": name, "operator": operator}
        if isinstance(value, tree.FieldName):
            other = self.fields.name(value, self.report)
            return None if other is None else {**rule, "value": other, "valueSource": "field"}
        if isinstance(value, tree.Arithmetic):
            hint = "a rule is a field, an operator and a value or another field"
            self.report.unsaid(value.span, "arithmetic cannot be said", hint)
            return None
        if self.fields.folds(item) and operator not in NULL:
            self.report.note(TEXT_DIFFERS)
        if operator in NEGATIVE:
            message, hint = negation_differs(f"without {name!r}")
            self.report.note(message, hint, span=item.span)
        return {**rule, "value": [_json(one) for one in value] if isinstance(value, list) else _json(value)}


def _json(node: tree.Expression | None) -> Any:
    """A literal as JSON; a number that no double holds exactly as its digits, which reading takes too."""
    match node:
        case None:
            return None
        case tree.Text(value=value) | tree.Boolean(value=value):
            return value
        case tree.Day(text=text) | tree.Instant(text=text):
            return text
        case tree.Number() | tree.Negative():
            exact = json_number(plain_number(node))
            return f"{plain_number(node):f}" if exact is None else exact
        case _:
            raise TypeError(f"no JSON for {type(node).__name__}")
