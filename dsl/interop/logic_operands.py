"""The values of JsonLogic: literals, fields, parts of texts, and arithmetic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from dsl import tree
from dsl.interop.fields import Fields, Place
from dsl.interop.json_logic import UNREAD
from dsl.interop.literals import bad, number, said
from dsl.interop.report import Report
from dsl.names import COMPANY
from dsl.problems import NOWHERE, did_you_mean
from dsl.schema import Type
from dsl.tree import TextTest
from dsl.typed import Operator

ARITHMETIC: Mapping[str, Operator] = MappingProxyType({operator.value: operator for operator in Operator})

VALUES = ("var", "substr", *ARITHMETIC)
"""The operations that can be values."""

SUMS = (Operator.ADD, Operator.SUBTRACT)


@dataclass(frozen=True, slots=True)
class Part:
    """`substr` of a text field: its first `length` units, or its last."""

    place: Place
    test: TextTest
    length: int


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal of the document: null, a boolean, a number or a text."""

    value: object


Operand = Place | Part | Constant | tree.Arithmetic | tree.Negative


@dataclass(slots=True)
class Operands:
    """Reads values. Flaw where a value has no meaning here."""

    fields: Fields
    report: Report

    def operand(self, logic: object, depth: int) -> Operand:
        """A literal, a field, a part of a text, or arithmetic; Flaw when it is none."""
        self.report.count("$", depth)
        if isinstance(logic, list | tuple):
            raise bad("found a list, where one value is needed")
        if not isinstance(logic, Mapping):
            return Constant(logic)
        if len(logic) != 1 or not all(isinstance(name, str) for name in logic):
            raise bad(f"found an object of {len(logic)} members, where an operation has one")
        [(name, given)] = logic.items()
        arguments = list(given) if isinstance(given, list | tuple) else [given]
        match name:
            case "var":
                return self.place(arguments)
            case "substr":
                return self._part(arguments, depth)
            case _ if name in ARITHMETIC:
                return self._arithmetic(name, arguments, depth)
            case _:
                raise bad(*_no_value(name))

    def place(self, given: list[Any]) -> Place:
        if len(given) == 2 and given[1] is not None:
            raise bad("the default of a variable has no meaning here", "take it out, and say what of missing values")
        [name] = given[:1] or [None]
        if len(given) > 2 or not isinstance(name, str):
            raise bad("`var` takes the name of a field")
        return self.named(name)

    def named(self, name: object) -> Place:
        """The field of a path: `points`, `company.id`, `company.industry`."""
        if not isinstance(name, str) or not name:
            raise bad(f"found {said(name)}, where the name of a field is needed")
        if name == COMPANY:
            raise bad("the company is an object", f"its id is `{COMPANY}.id`")
        place = self.fields.named(COMPANY if name == f"{COMPANY}.id" else name)
        if "." in place.node.name.name:
            raise bad(f"`var` takes the dots of {said(name)} for steps into objects", "give the field another name")
        return place

    def _part(self, given: list[Any], depth: int) -> Part:
        place = self.operand(given[0], depth + 1) if given else None
        if not isinstance(place, Place) or place.type not in (Type.TEXT, Type.CHOICE):
            raise bad("only the beginning or the end of a text field can be taken with `substr`")
        match given[1:]:
            case [0, int() as length] if not isinstance(length, bool) and length >= 0:
                return Part(place, TextTest.STARTS, length)
            case [int() as start] if not isinstance(start, bool) and start < 0:
                return Part(place, TextTest.ENDS, -start)
            case _:
                hint = 'write {"substr": [x, 0, 3]} for its first 3 characters, {"substr": [x, -3]} for its last'
                raise bad("only the beginning or the end of a text can be taken", hint)

    def _arithmetic(self, name: str, given: list[Any], depth: int) -> tree.Arithmetic | tree.Negative:
        terms = [self.term(self.operand(item, depth + 1)) for item in given]
        if name == "-" and len(terms) == 1:
            return tree.Negative(NOWHERE, terms[0])
        if len(terms) < 2 or (len(terms) > 2 and name in "-/"):
            raise bad(f"'{name}' takes {'two values' if name in '-/' else 'two values or more'}, not {len(terms)}")
        return _chained(ARITHMETIC[name], terms)

    def term(self, operand: Operand) -> tree.Expression:
        match operand:
            case Place(node=node):
                return node
            case Constant(value=value):
                return number(value, self.fields.schema.zone)
            case Part():
                raise bad("a part of a text can be compared with a text alone")
            case _:
                return operand


def _no_value(name: str) -> tuple[str, str | None]:
    return f"the operation '{name}' has no meaning here", UNREAD.get(name) or did_you_mean(name, VALUES)


def _chained(operator: Operator, terms: list[tree.Expression]) -> tree.Arithmetic:
    """Operands joined from the left; what is computed first at the left end goes on as one chain."""
    first, *others = terms
    operators, operands = (operator,) * len(others), tuple(terms)
    if isinstance(first, tree.Arithmetic) and (first.operators[0] in SUMS) == (operator in SUMS):
        operators, operands = (*first.operators, *operators), (*first.operands, *others)
    return tree.Arithmetic(NOWHERE, operators, operands)
