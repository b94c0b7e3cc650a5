"""The kinds of node in the JSON form of expressions, and what each of their members takes.

The kinds are named in one table. Their members are the fields of the surface tree, read from its annotations: what
the tree can say, the JSON form can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from enum import StrEnum
from types import MappingProxyType, NoneType, UnionType
from typing import Any, get_args, get_origin

from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from dsl import tree
from dsl.problems import NOWHERE, listed
from dsl.typed import CutKind, Operator

KINDS: Mapping[str, type[tree.Node]] = MappingProxyType(
    {
        # the whole
        "selection": tree.Selection,
        "cut": tree.Cut,
        # conditions
        "and": tree.Both,
        "or": tree.Either,
        "not": tree.Not,
        "except": tree.Except,
        "quorum": tree.Quorum,
        "everyone": tree.Everyone,
        "nobody": tree.Nobody,
        "sample": tree.Sample,
        "in_segment": tree.InSegment,
        "comparison": tree.Comparison,
        "exactly": tree.Exactly,
        "among": tree.Among,
        "between": tree.Between,
        "timed": tree.Timed,
        "anniversary": tree.Anniversary,
        "textual": tree.Textual,
        "matches": tree.Matches,
        "is_set": tree.IsSet,
        "has": tree.Has,
        # events
        "did": tree.Did,
        "regularity": tree.Regularity,
        "sequence": tree.Sequence,
        "step": tree.Step,
        "selector": tree.Selector,
        "frequency": tree.Frequency,
        "timing": tree.Timing,
        # values
        "text": tree.Text,
        "number": tree.Number,
        "boolean": tree.Boolean,
        "parameter": tree.Parameter,
        "field": tree.FieldName,
        "same": tree.Same,
        "list": tree.Values,
        "regex": tree.Regex,
        "arithmetic": tree.Arithmetic,
        "negative": tree.Negative,
        "date_part": tree.DatePart,
        "bucket": tree.Bucket,
        "aggregate": tree.Aggregate,
        # time
        "day": tree.Day,
        "month": tree.Month,
        "instant": tree.Instant,
        "duration": tree.Duration,
        "ago": tree.Ago,
        "moment": tree.NamedMoment,
        "calendar_period": tree.CalendarPeriod,
        "rolling_period": tree.RollingPeriod,
    }
)
"""Every kind and the node it stands for. A published name never changes."""

KIND_OF: Mapping[type[tree.Node], str] = MappingProxyType({node: kind for kind, node in KINDS.items()})

EXPRESSIONS = frozenset(get_args(tree.Expression)) - {tree.Except, tree.Broken}
"""What may stand wherever a condition or a value may; `except` stands among the items of an `and` alone."""

# --- plain values --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plain:
    """A member that is no node. `read` gives the value, or ValueError when it is no such thing."""

    words: str
    schema: Mapping[str, Any]
    read: Callable[[Any], Any]
    choices: tuple[str, ...] = ()


NAME = r"[^`\n]+"
PATTERNS: Mapping[type[tree.Node], tuple[str, str]] = MappingProxyType(
    {
        tree.Day: (r"\d{4}-\d{1,2}-\d{1,2}", "a day such as 2026-06-30"),
        tree.Month: (r"\d{4}-\d{2}", "a month such as 2026-06"),
        tree.Instant: (r"\d{4}-\d{1,2}-\d{1,2}T[^\s]*", "a time such as 2026-06-30T14:00"),
        tree.Parameter: (r"[^\s\d$][^\s$]*", "a name without its $"),
        tree.Regex: (r"(?:[^\\\n]|\\.)+", "a regular expression on one line"),
    }
)
"""What the one text of some nodes looks like. It need not tell everything: what cannot be written is refused later."""

NUMBER = r"\d+(\.\d+)?"
LARGEST = 10**30


def _text(pattern: str, words: str, made: Callable[[str], Any] = str) -> Plain:
    def read(value: object) -> Any:
        if not isinstance(value, str) or not re.fullmatch(pattern, value):
            raise ValueError(words)
        return made(value)

    return Plain(words, {"type": "string", "pattern": f"^{pattern}$"}, read)


def _any_text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("a text")
    return value


def _boolean(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false")
    return value


def _number(value: object) -> Decimal:
    """Digits in a text are exact; a JSON number is taken as it is shown."""
    match value:
        case str() if re.fullmatch(NUMBER, value):
            return Decimal(value)
        case bool():
            raise ValueError("a number")
        case int() | float() if 0 <= value < LARGEST:
            return Decimal(repr(value)).copy_abs()
        case _:
            raise ValueError("a number of at least 0")


def _choice(kind: type[StrEnum]) -> Plain:
    choices = tuple(member.value for member in kind)
    words = listed([f"'{choice}'" for choice in choices], "or")

    def read(value: object) -> StrEnum:
        if value not in choices:
            raise ValueError(words)
        return kind(value)

    return Plain(words, {"enum": list(choices)}, read, choices)


def _plain(hint: Any, owner: type[tree.Node]) -> Plain:
    if hint is tree.Identifier:
        return _text(NAME, "a name", lambda name: tree.Identifier(NOWHERE, name))
    if hint is str:
        return _text(*PATTERNS[owner]) if owner in PATTERNS else Plain("a text", {"type": "string"}, _any_text)
    if hint is bool:
        return Plain("true or false", {"type": "boolean"}, _boolean)
    if hint is Decimal:
        forms = [{"type": "string", "pattern": f"^{NUMBER}$"}, {"type": "number", "minimum": 0}]
        return Plain("a number", {"anyOf": forms}, _number)
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return _choice(hint)
    raise TypeError(f"no JSON form for {hint}")


# --- members -------------------------------------------------------------------------------------------------

RENAMED: Mapping[tuple[type[tree.Node], str], str] = MappingProxyType({(tree.Cut, "kind"): "which"})
"""Members whose name in the tree is taken in the JSON form."""


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a kind: nodes of some classes or a plain value; `least` of them in a list when it is many.

    `attribute` is its name in the tree, `name` that in the JSON form.
    """

    name: str
    attribute: str
    nodes: frozenset[type[tree.Node]]
    plain: Plain | None
    default: object = NODEFAULT
    least: int | None = None

    @property
    def required(self) -> bool:
        return self.default is NODEFAULT

    @property
    def many(self) -> bool:
        return self.least is not None


def _member(owner: type[tree.Node], found: FieldInfo, hint: Any) -> Member:
    if get_origin(hint) is tuple:
        member = _member(owner, found, get_args(hint)[0])
        return replace(member, least=2 if owner in (tree.Both, tree.Either) else 1)
    given = set(get_args(hint)) if isinstance(hint, UnionType) else {hint}
    parts = given - {NoneType, tree.Broken}  # nothing broken is written
    nodes = {part for part in parts if part in KIND_OF}
    if nodes >= EXPRESSIONS and owner is not tree.Both:
        nodes -= {tree.Except}
    plain = [_plain(part, owner) for part in parts - nodes - {tree.Except}]
    assert len(plain) <= 1, f"{owner.__name__}.{found.name} takes two plain values that nothing tells apart"
    default = None if NoneType in given else found.default
    name = RENAMED.get((owner, found.name), found.name)
    return Member(name, found.name, frozenset(nodes), plain[0] if plain else None, default)


def _members(owner: type[tree.Node]) -> tuple[Member, ...]:
    """What counts when trees are compared: spans and comments do not."""
    return tuple(_member(owner, found, found.type) for found in fields(owner) if found.name not in tree.UNSAID)


MEMBERS: Mapping[type[tree.Node], tuple[Member, ...]] = MappingProxyType(
    {node: _members(node) for node in KINDS.values()}
)

# --- rules between members -----------------------------------------------------------------------------------

_SUMS = frozenset({Operator.ADD, Operator.SUBTRACT})


def _unbalanced(node: tree.Arithmetic) -> bool:
    return len(node.operators) != len(node.operands) - 1


def _mixed(node: tree.Arithmetic) -> bool:
    return not (_SUMS.issuperset(node.operators) or _SUMS.isdisjoint(node.operators))


def _excepts_first(node: tree.Both) -> bool:
    return isinstance(node.items[0], tree.Except)


def _half_frequency(node: tree.Frequency) -> bool:
    return (node.bound is tree.Bound.BETWEEN) != (node.high is not None)


def _half_timing(node: tree.Timing) -> bool:
    return (node.when is tree.When.BETWEEN) != (node.last is not None)


def _half_cut(node: tree.Cut) -> bool:
    drawn = node.kind is CutKind.RANDOM
    return drawn != (node.seed is not None) or drawn == (node.by is not None)


def _bounded(node: tree.Step | tree.Regularity) -> bool:
    return node.selector.timing is not None


RULES: Mapping[type[tree.Node], tuple[tuple[Callable[[Any], bool], str], ...]] = MappingProxyType(
    {
        tree.Arithmetic: (
            (_unbalanced, "there is one operator between each two operands"),
            (_mixed, "the operators of one 'arithmetic' are all + and -, or all * and /"),
        ),
        tree.Both: ((_excepts_first, "the first item of an 'and' cannot be an 'except'"),),
        tree.Frequency: ((_half_frequency, "'high' belongs to the bound 'between', which cannot do without"),),
        tree.Timing: ((_half_timing, "'last' belongs to 'between', which cannot do without"),),
        tree.Cut: ((_half_cut, "'top' and 'bottom' have a 'by' and no 'seed', 'random' a 'seed' and no 'by'"),),
        tree.Step: ((_bounded, "a step's events have no 'timing': that of the whole belongs to 'first'"),),
        tree.Regularity: ((_bounded, "the events of a 'regularity' have no 'timing'"),),
    }
)
"""Whether a node whose members each fit is broken as a whole, and what is wrong then."""
