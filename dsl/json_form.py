"""The JSON form of expressions, for programs that build them: each node an object whose `kind` says what it is.

Nothing is lost either way but comments, spans and how the text was laid out. `dsl/json_kinds.py` says what there is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from dsl import tree
from dsl.format import format
from dsl.json_kinds import EXPRESSIONS, KIND_OF, KINDS, MEMBERS, RULES, Member, Plain
from dsl.parse import LIMITS, parse
from dsl.problems import MOST_PROBLEMS, NOWHERE, DataError, ExpressionError, Flaw, Problem, did_you_mean, listed

# --- writing -------------------------------------------------------------------------------------------------


def to_json(selection: tree.Selection) -> dict[str, Any]:
    """The JSON form of an expression. Members at their defaults are left out, and so are comments."""
    return _written(selection)


def _written(node: tree.Node) -> dict[str, Any]:
    form: dict[str, Any] = {"kind": KIND_OF[type(node)]}
    for member in MEMBERS[type(node)]:
        value = getattr(node, member.attribute)
        if member.required or value != member.default:
            form[member.name] = [_value(item) for item in value] if member.many else _value(value)
    return form


def _value(value: object) -> object:
    match value:
        case tree.Identifier(name=name):
            return name
        case tree.Node():
            return _written(value)
        case Decimal():
            return f"{value:f}"
        case StrEnum():
            return value.value
        case str() | bool():
            return value
        case _:
            raise TypeError(f"no JSON form for {type(value).__name__}")


# --- reading -------------------------------------------------------------------------------------------------


def from_json(form: object, path: str = "$") -> tree.Selection:
    """The expression of a JSON form that stands at `path`; DataError with every problem.

    What is given back can be written as text, within the limits of every text: `parse(format(x)) == x`.
    """
    reader = _Reader()
    try:
        selection = reader.node(form, frozenset({tree.Selection}), path, 1)
    except Flaw as flaw:
        reader.problems = [flaw.problem] if flaw.problem else []
        selection = None
    if not isinstance(selection, tree.Selection):
        raise DataError(reader.problems)
    ensure_writable(selection, path)
    return selection


def ensure_writable(selection: tree.Selection, path: str) -> None:
    """DataError unless the text of the tree says the same as the tree."""
    text = format(selection)
    try:
        if parse(text) == selection:
            return
        problems = [_bad(path, "the tree says what no expression can", f"its text would be another's: {text[:200]}")]
    except ExpressionError as error:
        problems = [_unwritable(problem, text, path) for problem in error.problems]
    raise DataError(problems)


def _unwritable(problem: Problem, text: str, path: str) -> Problem:
    if problem.code not in ("unexpected", "unexpected-end") or problem.span is None:
        return Problem(problem.code, problem.message, problem.hint, path=path)
    before = text[: problem.span.start].rstrip()
    message = f"the tree says what no expression can: {problem.message}, written after {before[-60:]!r}"
    return _bad(path, message, problem.hint)


def _bad(path: str, message: str, hint: str | None = None) -> Problem:
    return Problem("bad-tree", message, hint, path=path)


@dataclass(slots=True)
class _Reader:
    """Reads one form, noting every problem on the way. A node with a problem anywhere below it is None."""

    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def note(self, path: str, message: str, hint: str | None = None) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(_bad(path, message, hint))

    def count(self, path: str, depth: int) -> None:
        """Flaw beyond the limits of texts: reading stops there."""
        self.nodes += 1
        if depth > LIMITS.depth:
            message = f"the tree is more than {LIMITS.depth} nodes deep"
            raise Flaw(Problem("too-deep", message, "save parts of it as segments", path=path))
        if self.nodes > LIMITS.nodes:
            message = f"the tree has more than {LIMITS.nodes:,} nodes"
            raise Flaw(Problem("too-many-nodes", message, "save parts of it as segments", path=path))

    def node(self, form: object, allowed: frozenset[type[tree.Node]], path: str, depth: int) -> tree.Node | None:
        self.count(path, depth)
        kind = self.kind(form, allowed, path)
        if kind is None or not isinstance(form, Mapping):
            return None
        before = len(self.problems)
        self.only_known(form, kind, path)
        values = {member.attribute: self.member(form, member, path, depth) for member in MEMBERS[kind]}
        if len(self.problems) > before or before == MOST_PROBLEMS:
            return None
        node = kind(NOWHERE, **values)
        for broken, message in RULES.get(kind, ()):
            if broken(node):
                self.note(path, message)
        return node if len(self.problems) == before else None

    def kind(self, form: object, allowed: frozenset[type[tree.Node]], path: str) -> type[tree.Node] | None:
        """The class a form stands for, when it may stand here."""
        if not isinstance(form, Mapping):
            self.note(path, f"found {_said(form)}, where {_one_of(allowed)} is needed")
            return None
        if "kind" not in form:
            self.note(path, "'kind' is missing", f"add a 'kind': {_one_of(allowed)}")
            return None
        name = form["kind"]
        found = KINDS.get(name) if isinstance(name, str) else None
        if found is None:
            names = [KIND_OF[node] for node in allowed]
            close = did_you_mean(name, names) or did_you_mean(name, KINDS) if isinstance(name, str) else None
            hint = close or f"needed is {_one_of(allowed)}"
            self.note(f"{path}.kind", f"there is no kind {_said(name)}", hint)
        elif found not in allowed:
            self.note(f"{path}.kind", f"'{name}' cannot stand here", f"needed is {_one_of(allowed)}")
            return None
        return found

    def only_known(self, form: Mapping[Any, Any], kind: type[tree.Node], path: str) -> None:
        known = [member.name for member in MEMBERS[kind]]
        for key in form:
            if key != "kind" and key not in known:
                hint = did_you_mean(str(key), known) or f"what it has: {', '.join(['kind', *known])}"
                self.note(_at(path, key), f"'{KIND_OF[kind]}' has no {_said(key)}", hint)

    def member(self, form: Mapping[Any, Any], member: Member, path: str, depth: int) -> Any:
        here = f"{path}.{member.name}"
        if member.name not in form:
            if member.required:
                self.note(here, f"'{member.name}' is missing", f"needed is {_wanted(member)}")
            return member.default
        value = form[member.name]
        if not member.many:
            return self.value(value, member, here, depth)
        if not isinstance(value, list | tuple) or len(value) < (member.least or 0):
            self.note(here, f"found {_said(value)}, where a list of at least {member.least} is needed")
            return ()
        return tuple(self.value(item, member, f"{here}[{index}]", depth) for index, item in enumerate(value))

    def value(self, value: object, member: Member, path: str, depth: int) -> Any:
        if member.plain is None or (member.nodes and isinstance(value, Mapping)):
            return self.node(value, member.nodes, path, depth + 1)
        try:
            return member.plain.read(value)
        except ValueError as error:
            hint = did_you_mean(str(value), member.plain.choices)
            self.note(path, f"found {_said(value)}, where {error} is needed", hint)
            return None


def _said(value: object) -> str:
    """What was found, short and in the words of JSON."""
    match value:
        case Mapping():
            return "an object"
        case list() | tuple():
            return f"a list of {len(value)}"
        case str():
            return repr(value[:40])
        case None | bool() | float():
            return json.dumps(value)
        case int():
            return str(value) if abs(value) < 10**40 else "a very large number"
        case _:
            return f"a {type(value).__name__}"


def _one_of(allowed: frozenset[type[tree.Node]]) -> str:
    if allowed >= EXPRESSIONS:
        return "a condition or a value"
    return listed([f"'{kind}'" for kind, node in KINDS.items() if node in allowed], "or")


def _wanted(member: Member) -> str:
    wanted = [_one_of(member.nodes)] if member.nodes else []
    return " or ".join([*wanted, *([member.plain.words] if member.plain else [])])


def _at(path: str, key: object) -> str:
    return f"{path}.{key}" if isinstance(key, str) and key.isidentifier() else f"{path}[{_said(key)}]"


# --- describing ----------------------------------------------------------------------------------------------


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the form, a definition for each kind.

    A form may fit it and yet say what no expression can: that is told when it is read.
    """
    definitions = {kind: _kind_schema(kind, node) for kind, node in KINDS.items()}
    definitions["expression"] = _by_kind(EXPRESSIONS)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A segment expression",
        "$ref": "#/$defs/selection",
        "$defs": definitions,
    }


def _kind_schema(kind: str, node: type[tree.Node]) -> dict[str, Any]:
    members = MEMBERS[node]
    return {
        "type": "object",
        "properties": {"kind": {"const": kind}, **{member.name: _member_schema(member) for member in members}},
        "required": ["kind", *(member.name for member in members if member.required)],
        "additionalProperties": False,
    }


def _member_schema(member: Member) -> dict[str, Any]:
    forms = [*_node_schemas(member.nodes), *_plain_schemas(member.plain)]
    form = forms[0] if len(forms) == 1 else {"anyOf": forms}
    return {"type": "array", "items": form, "minItems": member.least} if member.many else form


def _node_schemas(nodes: frozenset[type[tree.Node]]) -> list[dict[str, Any]]:
    if nodes == EXPRESSIONS:
        return [_reference("expression")]
    return [_by_kind(nodes)] if nodes else []


def _by_kind(nodes: frozenset[type[tree.Node]]) -> dict[str, Any]:
    """One of several kinds. It is told by its name first: trying each in turn would take exponential time."""
    kinds = [kind for kind, node in KINDS.items() if node in nodes]
    if len(kinds) == 1:
        return _reference(kinds[0])
    cases = [{"if": {"properties": {"kind": {"const": kind}}}, "then": _reference(kind)} for kind in kinds]
    return {"type": "object", "required": ["kind"], "properties": {"kind": {"enum": kinds}}, "allOf": cases}


def _plain_schemas(plain: Plain | None) -> list[dict[str, Any]]:
    return [] if plain is None else [dict(plain.schema)]


def _reference(name: str) -> dict[str, Any]:
    return {"$ref": f"#/$defs/{name}"}
