"""The rule groups of react-querybuilder (RuleGroupType, and RuleGroupTypeIC with combinators between the rules).

A rule is a field, an operator and a value; a group joins rules and groups with `and` or `or` and may be negated.
https://react-querybuilder.js.org/docs/typescript says what there is.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from dsl.tree import Comparator, TextTest

COMBINATORS = ("and", "or")

COMPARED: Mapping[str, Comparator] = MappingProxyType({comparator.value: comparator for comparator in Comparator})
TEXTUAL: Mapping[str, tuple[TextTest, bool]] = MappingProxyType(
    {
        "contains": (TextTest.CONTAINS, False),
        "beginsWith": (TextTest.STARTS, False),
        "endsWith": (TextTest.ENDS, False),
        "doesNotContain": (TextTest.CONTAINS, True),
        "doesNotBeginWith": (TextTest.STARTS, True),
        "doesNotEndWith": (TextTest.ENDS, True),
    }
)
"""Operators on text: the test, and whether it is negated."""
NULL: Mapping[str, bool] = MappingProxyType({"null": True, "notNull": False})
LISTED: Mapping[str, bool] = MappingProxyType({"in": False, "notIn": True})
RANGED: Mapping[str, bool] = MappingProxyType({"between": False, "notBetween": True})

OPERATORS = (*COMPARED, *TEXTUAL, *NULL, *LISTED, *RANGED)

NEGATIVE = frozenset({"!=", "notIn", "notBetween", *(name for name, (_, negated) in TEXTUAL.items() if negated)})
"""Operators that here select contacts without a value too."""

GROUP_KEYS = frozenset({"id", "path", "disabled", "muted", "combinator", "combinatorPreceding", "not", "rules"})
RULE_KEYS = frozenset(
    {"id", "path", "disabled", "muted", "combinatorPreceding", "field", "operator", "value", "valueSource", "match"}
)

BY_TEST: Mapping[tuple[TextTest, bool], str] = MappingProxyType({test: name for name, test in TEXTUAL.items()})
BY_NULL, BY_LIST, BY_RANGE = ({negated: name for name, negated in table.items()} for table in (NULL, LISTED, RANGED))


def negation_differs(which: str) -> tuple[str, str]:
    """What differs in a negation where rules are run as SQL, and what to do about it; `which` contacts are meant."""
    message = f"contacts {which} are selected too; where the rules are run as SQL, they are left out"
    return message, "to leave them out everywhere, add a rule with the operator 'notNull'"
