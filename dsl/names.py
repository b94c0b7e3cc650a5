"""Names: what an identifier means in a schema, and the closest known ones when it means nothing."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct, field

from dsl import tree
from dsl.folding import fold
from dsl.habits import NAMES as VALUES
from dsl.literals import quoted
from dsl.problems import Flaw, Problem, Span, did_you_mean, names_there
from dsl.schema import (
    COMPANY_SYSTEM_FIELDS,
    CONTACT_SYSTEM_FIELDS,
    EVENT_SYSTEM_FIELDS,
    Field,
    Schema,
)
from dsl.typed import FieldTerm, Scope

COMPANY = "company"
"""The owner of a company's fields; alone, it stands for the company's id."""

NULLS = frozenset({"null", "none", "nil", "undefined", "missing", "empty"})
"""What other languages call a missing value."""


class Ground(Struct, frozen=True):
    """The rows a condition is about: contacts, or the events of one type (`event` None: of any type)."""

    scope: Scope
    event: str | None = None


CONTACTS = Ground(Scope.CONTACTS)


class Names(Struct, frozen=True):
    """What the names of an expression can mean."""

    schema: Schema
    segments: Mapping[str, str]
    _called: dict[str, list[str]] = field(default_factory=dict)  # folded key or name -> keys; made at first need

    def field(self, node: tree.FieldName, ground: Ground) -> FieldTerm:
        """The field a name stands for on its ground; Flaw when there is none."""
        if node.owner is not None:
            return self._company_field(node, ground)
        name = node.name.name
        declared, system = self._fields(ground)
        field = declared.get(name) or system.get(name)
        if field is not None:
            return FieldTerm(node.span, ground.scope, field, ground.event)
        if name == COMPANY and ground.scope is Scope.CONTACTS:
            return FieldTerm(node.span, Scope.COMPANIES, COMPANY_SYSTEM_FIELDS["id"])
        raise Flaw(self._unknown_field(node, ground))

    def _company_field(self, node: tree.FieldName, ground: Ground) -> FieldTerm:
        assert node.owner is not None
        if node.owner.name != COMPANY:
            message = f"nothing called {node.owner.name!r} has fields"
            raise Flaw(Problem("unknown-field", message, f"write `{COMPANY}.{node.name.name}`", node.owner.span))
        if ground.scope is not Scope.CONTACTS:
            raise Flaw(Problem("not-here", "a company's fields cannot be asked of an event", span=node.span))
        name = node.name.name
        field = self.schema.companies.get(name) or COMPANY_SYSTEM_FIELDS.get(name)
        if field is None:
            hint = names_there(name, [*self.schema.companies, *COMPANY_SYSTEM_FIELDS], "company fields")
            raise Flaw(Problem("unknown-field", f"unknown company field {name!r}", hint, node.name.span))
        return FieldTerm(node.span, Scope.COMPANIES, field)

    def _fields(self, ground: Ground) -> tuple[Mapping[str, Field], Mapping[str, Field]]:
        """The declared fields of a ground, and the system's."""
        if ground.scope is Scope.CONTACTS:
            return self.schema.contacts, CONTACT_SYSTEM_FIELDS
        return {} if ground.event is None else self.schema.events[ground.event], EVENT_SYSTEM_FIELDS

    def _unknown_field(self, node: tree.FieldName, ground: Ground) -> Problem:
        name = node.name.name
        known = [known for fields in self._fields(ground) for known in fields]
        hint: str | None
        if fold(name) in NULLS:
            hint = "a missing value is asked for with `is set` or `is not set`"
        elif name.lower() in VALUES:
            hint = f"write `{VALUES[name.lower()]}`"
        elif ground.scope is Scope.EVENTS:
            other = None if did_you_mean(name, known) else _in_parentheses(name, self.schema.contacts)
            hint = other or names_there(name, known, "properties")
            return Problem("unknown-field", f"{_events(ground.event)} no property {name!r}", hint, node.span)
        else:
            event = f"it is an event type: `did {name}`" if name in self.schema.events else None
            hint = event or names_there(name, known, "fields")
        return Problem("unknown-field", f"unknown field {name!r}", hint, node.span)

    def event(self, identifier: tree.Identifier) -> str:
        """The event type a name stands for; Flaw when there is none."""
        if identifier.name in self.schema.events:
            return identifier.name
        hint = names_there(identifier.name, self.schema.events, "event types")
        raise Flaw(Problem("unknown-event", f"unknown event type {identifier.name!r}", hint, identifier.span))

    def property(self, event: str | None, identifier: tree.Identifier) -> Field:
        """The property of an event type; Flaw when it has none of this name."""
        term = self.field(tree.FieldName(identifier.span, identifier), Ground(Scope.EVENTS, event))
        return term.field

    def find_property(self, event: str | None, name: str) -> Field | None:
        """The property of an event type that has this name, if any."""
        declared, system = self._fields(Ground(Scope.EVENTS, event))
        return declared.get(name) or system.get(name)

    def segment(self, node: tree.Identifier | tree.Text) -> str:
        """The key of a segment given by key or, without regard to case and accents, by name."""
        said = node.name if isinstance(node, tree.Identifier) else node.value
        if said in self.segments:
            return said
        if not self._called:
            self._call_segments()
        keys = self._called.get(fold(said), [])
        if len(keys) == 1:
            return keys[0]
        raise Flaw(self._no_segment(said, keys, node.span))

    def _call_segments(self) -> None:
        for key, name in self.segments.items():
            for called in {fold(key), fold(name)}:
                self._called.setdefault(called, []).append(key)

    def _no_segment(self, said: str, keys: list[str], span: Span) -> Problem:
        if keys:
            told = f"say its key: {', '.join(quoted(key) for key in keys)}"
            return Problem("ambiguous-segment", f"{len(keys)} segments are called {said!r}", told, span)
        close = did_you_mean(said, [*self.segments.values(), *self.segments], quote='"')
        hint = close or names_there(said, self.segments.values(), "segments", quote='"')
        return Problem("unknown-segment", f"unknown segment {said!r}", hint, span)


def _events(event: str | None) -> str:
    return "events of any type have" if event is None else f"{event!r} events have"


def _in_parentheses(name: str, contacts: Mapping[str, Field]) -> str | None:
    if name not in contacts:
        return None
    return f"{name!r} is a field of contacts; inside the parentheses names are properties of the event"
