"""The rule groups of react-querybuilder as expressions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from dsl import tree
from dsl.interop.fields import Fields, Place
from dsl.interop.literals import bad, literal, plain_number, said
from dsl.interop.report import TEXT_DIFFERS, Report
from dsl.interop.rule_groups import (
    COMBINATORS,
    COMPARED,
    GROUP_KEYS,
    LISTED,
    NEGATIVE,
    NULL,
    OPERATORS,
    RANGED,
    RULE_KEYS,
    TEXTUAL,
    negation_differs,
)
from dsl.problems import NOWHERE, Flaw, Problem, did_you_mean, listed
from dsl.schema import Type
from dsl.tree import Comparator, TextTest


@dataclass(slots=True)
class Reading:
    """Reads one document. A group or rule with a problem anywhere in it is None, and the problem is told."""

    fields: Fields
    report: Report

    def document(self, form: object, path: str) -> tree.Expression | None:
        if isinstance(form, Mapping) and form.get("rules") == [] and self._shaped(form, path):
            everyone = tree.Everyone(NOWHERE)
            return tree.Not(NOWHERE, everyone) if form.get("not") else everyone
        if isinstance(form, Mapping) and "rules" not in form and "field" in form:
            self.report.bad(path, "found a rule, where a group is needed", "put it in the 'rules' of a group")
            return None
        return self._group(form, path, 1)

    # --- groups ---

    def _group(self, form: object, path: str, depth: int) -> tree.Expression | None:
        self.report.count(path, depth)
        if not isinstance(form, Mapping):
            self.report.bad(path, f"found {said(form)}, where a group is needed", "a group has 'rules'")
            return None
        if not self._shaped(form, path):
            return None
        members = self._members(form, path)
        if members is None:
            return None
        spoken = [(joint, rule, at) for joint, rule, at in members if not self._muted(rule, at)]
        if not spoken:
            self.report.bad(f"{path}.rules", "a group without rules says nothing", "remove it, or give it a rule")
            return None
        found = [(joint, self._member(rule, at, depth)) for joint, rule, at in spoken]
        items = [(joint, item) for joint, item in found if item is not None]
        if len(items) < len(found):
            return None
        whole = _joined(items)
        if not form.get("not"):
            return whole
        self.report.note(*negation_differs("without a value"), f"{path}.not")
        return tree.Not(NOWHERE, whole)

    def _shaped(self, form: Mapping[Any, Any], path: str) -> bool:
        before = len(self.report.problems)
        if not isinstance(form.get("rules"), list | tuple):
            self.report.bad(f"{path}.rules", f"found {said(form.get('rules'))}, where a list of rules is needed")
        if not isinstance(form.get("not"), bool | None):
            self.report.bad(f"{path}.not", f"found {said(form['not'])}, where true or false is needed")
        self._unread(form, GROUP_KEYS, path)
        return len(self.report.problems) == before

    def _unread(self, form: Mapping[Any, Any], known: frozenset[str], path: str) -> None:
        for key in form:
            if key not in known:
                self.report.note(f"{said(key)} is no part of a rule or group, and was not read", path=path)

    def _members(self, form: Mapping[Any, Any], path: str) -> list[tuple[str, object, str]] | None:
        """Each rule and group with the combinator before it, and its path."""
        rules = form["rules"]
        if form.get("combinator") is None:
            return self._independent(rules, path)
        joint = self._combinator(form["combinator"], f"{path}.combinator")
        if joint is None:
            return None
        return [(joint, rule, f"{path}.rules[{i}]") for i, rule in enumerate(rules)]

    def _independent(self, rules: list[object], path: str) -> list[tuple[str, object, str]] | None:
        """Rules at the even places, combinators between them."""
        before = len(self.report.problems)
        members: list[tuple[str, object, str]] = []
        joint: str | None = "and"
        for i, rule in enumerate(rules):
            here = f"{path}.rules[{i}]"
            if i % 2:
                joint = self._combinator(rule, here)
            elif isinstance(rule, str):
                hint = "say the group's 'combinator', or put one combinator between each two rules"
                self.report.bad(here, f"found {said(rule)}, where a rule is needed", hint)
            else:
                members.append((joint or "and", rule, here))
        if rules and len(rules) % 2 == 0 and len(self.report.problems) == before:
            self.report.bad(f"{path}.rules[{len(rules) - 1}]", "no rule follows this combinator", "remove it")
        return members if len(self.report.problems) == before else None

    def _combinator(self, value: object, path: str) -> str | None:
        found = value.strip().lower() if isinstance(value, str) else None
        if found in COMBINATORS:
            return found
        if isinstance(value, Mapping):
            hint = 'say the group\'s \'combinator\', or put "and" or "or" between each two rules'
            self.report.bad(path, "found a rule or group, where a combinator is needed", hint)
        else:
            self.report.bad(path, f"there is no combinator {said(value)}", 'use "and" or "or"')
        return None

    def _muted(self, form: object, path: str) -> bool:
        if isinstance(form, Mapping) and form.get("muted") is True:
            self.report.note("a muted rule or group was left out, as exports leave it out", path=path)
            return True
        return False

    def _member(self, form: object, path: str, depth: int) -> tree.Expression | None:
        if isinstance(form, Mapping) and "rules" not in form:
            self.report.count(path, depth + 1)
            return self._rule(form, path)
        return self._group(form, path, depth + 1)

    # --- rules ---

    def _rule(self, form: Mapping[Any, Any], path: str) -> tree.Expression | None:
        self._unread(form, RULE_KEYS, path)
        place = self._field(form.get("field"), f"{path}.field")
        if form.get("match") is not None:
            return None if place is None else self._matched(place, form, path)
        operator = self._operator(form.get("operator"), f"{path}.operator")
        if place is None or operator is None:
            return None
        node = self._said(place, operator, form, path)
        if node is None or not self.fields.fits(node, path, self.report):
            return None
        if operator in NEGATIVE:
            self.report.note(*negation_differs(f"without {place.name!r}"), path)
        if place.folded and operator not in NULL:
            self.report.note(TEXT_DIFFERS)
        return node

    def _field(self, name: object, path: str) -> Place | None:
        if name in (None, "", "~"):
            self.report.bad(path, "no field is chosen", "choose one, or remove the rule")
            return None
        if not isinstance(name, str):
            self.report.bad(path, f"found {said(name)}, where the name of a field is needed")
            return None
        return self.report.attempt(partial(self.fields.named, name), path)

    def _operator(self, name: object, path: str) -> str | None:
        if isinstance(name, str):
            found = {operator.lower(): operator for operator in OPERATORS}.get(name.strip().lower())
            if found is not None:
                return found
            hint = did_you_mean(name, OPERATORS) or f"the operators are {listed(OPERATORS, 'and')}"
            self.report.bad(path, f"there is no operator {said(name)}", hint)
        else:
            self.report.bad(path, f"found {said(name)}, where an operator is needed")
        return None

    def _said(self, place: Place, operator: str, form: Mapping[Any, Any], path: str) -> tree.Expression | None:
        """The test a rule stands for, before its types are checked."""
        if operator in NULL:
            return tree.IsSet(NOWHERE, place.node, NULL[operator])
        values = self._values(place, operator, form, f"{path}.value")
        if values is None:
            return None
        with_field = form.get("valueSource") == "field"
        match operator:
            case _ if operator in LISTED:
                return _among(place, values, LISTED[operator], with_field)
            case _ if operator in RANGED:
                self._order(values, f"{path}.value")
                return tree.Between(NOWHERE, place.node, values[0], values[1], RANGED[operator])
            case _ if operator in TEXTUAL:
                return self._textual(place, operator, values[0], f"{path}.value")
            case _:
                return tree.Comparison(NOWHERE, COMPARED[operator], place.node, values[0])

    def _textual(self, place: Place, operator: str, value: tree.Expression, path: str) -> tree.Expression | None:
        test, negated = TEXTUAL[operator]
        if not isinstance(value, tree.Text):
            self.report.bad(path, f"'{operator}' takes a text", "compare two fields with =, !=, <, <=, > or >=")
            return None
        if place.type is Type.TAGS and test is TextTest.CONTAINS:
            return tree.Has(NOWHERE, place.node, None, value, negated)
        return tree.Textual(NOWHERE, test, place.node, value, negated)

    def _order(self, values: list[tree.Expression], path: str) -> None:
        low, high = values
        if isinstance(low, tree.Number | tree.Negative) and isinstance(high, tree.Number | tree.Negative):
            reversed_ = plain_number(low) > plain_number(high)
        else:
            reversed_ = isinstance(low, tree.Day) and isinstance(high, tree.Day) and low.text > high.text
        if reversed_:
            message = "the ends stand the wrong way round: nothing lies between them here"
            self.report.note(message, "swap them, if that is what was meant", path)

    # --- match modes ---

    def _matched(self, place: Place, form: Mapping[Any, Any], path: str) -> tree.Expression | None:
        """Some of the tags, or none, are among those that the rules of the value name; the operator says nothing."""
        negated = self._mode(form["match"], f"{path}.match")
        texts = self.report.attempt(partial(_elements, form.get("value")), f"{path}.value")
        if negated is None or texts is None:
            return None
        if place.type is not Type.TAGS:
            self.report.bad(f"{path}.match", f"{place.name!r} holds one value, and no list", "take the match mode out")
            return None
        values = [self.report.attempt(partial(self._literal, place, text), f"{path}.value") for text in texts]
        literals = [value for value in values if value is not None]
        if len(literals) < len(values):
            return None
        self.report.note(TEXT_DIFFERS)
        return _among(place, literals, negated, with_field=False)

    def _mode(self, match: object, path: str) -> bool | None:
        """Whether a match mode asks for none rather than some; None, and told, when it asks for anything else."""
        asked = (match.get("mode"), match.get("threshold")) if isinstance(match, Mapping) else (None, None)
        match asked:
            case ("some", _) | ("atLeast", 1):
                return False
            case ("none", _) | ("atMost" | "exactly", 0):
                return True
            case _:
                hint = "the modes 'some' and 'none' can be read, 'atLeast' 1, and 'atMost' 0"
                self.report.bad(path, "how many of the tags match cannot be asked, only whether some or none do", hint)
                return None

    # --- values ---

    def _values(self, place: Place, operator: str, form: Mapping[Any, Any], path: str) -> list[tree.Expression] | None:
        """The value of a rule as literals or fields: one, two for a range, any number for a list."""
        source = form.get("valueSource")
        if source not in (None, "value", "field"):
            self.report.bad(path.removesuffix(".value") + ".valueSource", f"there is no value source {said(source)}")
            return None
        if "value" not in form or form["value"] is None:
            self.report.bad(path, "no value is given", "give one, or use the operator 'null' or 'notNull'")
            return None
        several = operator in LISTED or operator in RANGED
        given = _several(form["value"]) if several else [form["value"]]
        if operator in RANGED and len(given) != 2:
            self.report.bad(path, f"'{operator}' takes two values, and there are {len(given)}")
            return None
        if operator in LISTED and not given:
            self.report.bad(path, "the list is empty", "give it a value, or remove the rule")
            return None
        at = [f"{path}[{i}]" if isinstance(form["value"], list | tuple) else path for i in range(len(given))]
        read = self._other if source == "field" else self._literal
        found = [self.report.attempt(partial(read, place, value), here) for value, here in zip(given, at, strict=True)]
        values = [value for value in found if value is not None]
        return values if len(values) == len(found) else None

    def _literal(self, place: Place, value: object) -> tree.Expression:
        return literal(place.field, value, self.fields.schema.zone)

    def _other(self, place: Place, value: object) -> tree.Expression:
        if not isinstance(value, str):
            raise Flaw(Problem("bad-rules", f"found {said(value)}, where the name of a field is needed"))
        return self.fields.named(value).node


def _elements(form: object) -> list[object]:
    """The texts that a match mode's rules allow an element to be: `=` and `in`, joined by `or`."""
    shaped = form if isinstance(form, Mapping) and isinstance(form.get("rules"), list | tuple) else {}
    rules = [rule for rule in shaped.get("rules", ()) if rule != "or"]
    texts = [text for rule in rules for text in _element(rule)]
    joint = shaped.get("combinator", "or")
    if not texts or shaped.get("not") or (len(rules) > 1 and joint != "or"):
        raise bad("only which tags are there can be asked", "use the operators = and in, joined by or")
    return texts


def _element(rule: object) -> list[object]:
    """The texts of one rule about an element, which has no field of its own."""
    if isinstance(rule, Mapping) and rule.get("field") in (None, "", "~") and rule.get("valueSource") != "field":
        if rule.get("operator") == "=":
            return [rule.get("value")]
        if rule.get("operator") == "in":
            return _several(rule.get("value"))
    raise bad("only which tags are there can be asked", "use the operators = and in, joined by or")


def _several(value: object) -> list[object]:
    """A list as it is, or one written with commas; `\\,` is a comma inside a value."""
    if isinstance(value, list | tuple):
        return list(value)
    if not isinstance(value, str):
        return [value]
    parts = value.replace("\\,", "\0").split(",")
    return [part.replace("\0", ",").strip() for part in parts if part.strip()]


def _joined(items: list[tuple[str, tree.Expression]]) -> tree.Expression:
    """`and` binds tighter than `or`, as everywhere; each item has the combinator before it."""
    runs: list[list[tree.Expression]] = []
    for joint, item in items:
        if joint == "or" or not runs:
            runs.append([])
        runs[-1].append(item)
    parts = [run[0] if len(run) == 1 else tree.Both(NOWHERE, tuple(run)) for run in runs]
    return parts[0] if len(parts) == 1 else tree.Either(NOWHERE, tuple(parts))


def _among(place: Place, values: list[tree.Expression], negated: bool, with_field: bool) -> tree.Expression:
    if with_field:
        tests = tuple(tree.Comparison(NOWHERE, Comparator.EQUAL, place.node, value) for value in values)
        whole = tests[0] if len(tests) == 1 else tree.Either(NOWHERE, tests)
        return tree.Not(NOWHERE, whole) if negated else whole
    listed_ = tree.Values(NOWHERE, tuple(values))
    if place.type is Type.TAGS:
        return tree.Has(NOWHERE, place.node, tree.Quantifier.ANY, listed_, negated)
    return tree.Among(NOWHERE, place.node, listed_, negated)
