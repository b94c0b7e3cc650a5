"""Event types told by rules: `cancellation: InvoiceNo ~ ^C` makes a cancellation of every row that fits."""

from __future__ import annotations

import re
from collections.abc import Callable

import pyarrow as pa
import pyarrow.compute as pc

from dsl.problems import DataError, Problem
from formats.inferred import Inferred, Role, TypeRule
from formats.roles import unknown_column

Texts = Callable[[str], pa.StringArray]
"""The text of a column's cells, by its header."""


def parse_rule(text: str) -> TypeRule:
    """A rule from its text. DataError when it has not that shape.

    >>> parse_rule("cancellation: InvoiceNo ~ ^C")
    TypeRule(event='cancellation', column='InvoiceNo', pattern='^C')
    """
    found = re.fullmatch(r"([^:]+):([^~]+)~(.+)", text, re.DOTALL)
    event, column, pattern = (part.strip() for part in found.groups()) if found else ("", "", "")
    if not (event and column and pattern):
        hint = "write 'event type: column ~ pattern', such as 'cancellation: InvoiceNo ~ ^C'"
        raise DataError([Problem("bad-rule", f"'{text}' is no rule of event types", hint)])
    return TypeRule(event, column, pattern)


def rule_problems(rules: tuple[TypeRule, ...], headers: list[str]) -> list[Problem]:
    """What is wrong with rules, for a file with these columns."""
    strangers = [rule for rule in rules if rule.column not in headers]
    return [unknown_column(rule.column, headers, f"the event type '{rule.event}'") for rule in strangers] + [
        Problem("bad-pattern", f"'{rule.pattern}' is no pattern: {why}", "patterns are those of RE2")
        for rule in rules
        if (why := _fault(rule.pattern)) is not None
    ]


def _fault(pattern: str) -> str | None:
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        return str(error).removeprefix("Invalid regular expression: ")
    return None


def event_types(inferred: Inferred, length: int, texts: Texts) -> pa.StringArray:
    """The event type of each of `length` rows; null where nothing tells it."""
    column = inferred.with_role(Role.TYPE)
    told = pa.repeat(pa.scalar(inferred.event, pa.string()), length) if column is None else texts(column.name)
    labels = pc.utf8_trim_whitespace(told)
    # The last rule first, so that the first one has the last word.
    for rule in reversed(inferred.type_rules):
        fits = pc.fill_null(pc.match_substring_regex(texts(rule.column), rule.pattern), False)
        labels = pc.if_else(fits, rule.event, labels)
    return labels
