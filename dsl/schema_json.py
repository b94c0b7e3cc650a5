"""Schemas in their JSON form, and patches of them. Problems carry paths such as `$.contacts.country.type`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from dsl.problems import DataError, Problem, did_you_mean
from dsl.schema import CONTACT_SYSTEM_FIELDS, Field, Schema, Type
from dsl.typed import Scope

HasData = Callable[[Scope, str | None, str], bool]
"""Whether any row has a value: has_data(scope, event type or None, field name)."""

RESERVED: Mapping[Scope, frozenset[str]] = MappingProxyType(
    {
        Scope.CONTACTS: frozenset({"id", "created", "updated", "company"}),
        Scope.COMPANIES: frozenset({"id"}),
        Scope.EVENTS: frozenset({"id", "at", "contact", "type"}),
    }
)
"""Names that cannot be declared: system fields, and the keys that rows keep for themselves."""

LONGEST_NAME = 200
MOST_DECIMALS = 6
FIELD_KEYS = ("type", "decimals", "options", "label")
SCHEMA_KEYS = ("timezone", "contacts", "companies", "events", "identified_by")


def schema_to_json(schema: Schema) -> dict[str, Any]:
    """The JSON form of a schema, complete: `schema_from_json` gives it back."""
    return {
        "timezone": schema.timezone,
        "contacts": _fields_to_json(schema.contacts),
        "companies": _fields_to_json(schema.companies),
        "events": {event: _fields_to_json(properties) for event, properties in schema.events.items()},
        "identified_by": list(schema.identified_by),
    }


def _fields_to_json(declared: Mapping[str, Field]) -> dict[str, Any]:
    return {name: _field_to_json(found) for name, found in declared.items()}


def _field_to_json(found: Field) -> dict[str, Any]:
    form: dict[str, Any] = {"type": found.type.value}
    if found.type is Type.NUMBER:
        form["decimals"] = found.decimals
    if found.type is Type.CHOICE:
        form["options"] = list(found.options)
    if found.label is not None:
        form["label"] = found.label
    return form


def schema_from_json(form: object) -> Schema:
    """The schema of a JSON form; DataError with every problem."""
    return patched(Schema(), form, has_data=lambda scope, event, name: False)


def patched(schema: Schema, patch: object, *, has_data: HasData) -> Schema:
    """`schema` with the fields, event types, labels and options of `patch` added; DataError with every problem.

    What the patch does not name stays. A field that exists may be given again: a new label replaces the old, options
    are added to those there, and its type or decimals may change as long as no row has a value.
    """
    patcher = _Patcher(has_data)
    result = patcher.schema(schema, patch)
    if patcher.problems:
        raise DataError(patcher.problems)
    return result


def member(path: str, name: str) -> str:
    """The path of a member: `$.a`, or `$["a b"]` for what is no identifier."""
    return f"{path}.{name}" if name.isidentifier() else f"{path}[{json.dumps(name, ensure_ascii=False)}]"


@dataclass(slots=True)
class _Patcher:
    """Applies one patch, noting every problem on the way."""

    has_data: HasData
    problems: list[Problem] = field(default_factory=list)

    def note(self, code: str, path: str, message: str, hint: str | None = None) -> None:
        self.problems.append(Problem(code, message, hint, path=path))

    def members(self, value: object, path: str, keys: tuple[str, ...] = ()) -> dict[str, Any]:
        """`value` when it is an object with no other keys than `keys` (any, when there are none)."""
        if not isinstance(value, dict) or not all(isinstance(key, str) for key in value):
            self.note("bad-schema", path, "an object is needed")
            return {}
        for key in value.keys() - set(keys) if keys else ():
            self.note("bad-schema", member(path, key), f"unknown key {key!r}", did_you_mean(key, keys))
        return value

    def schema(self, schema: Schema, patch: object) -> Schema:
        form = self.members(patch, "$", SCHEMA_KEYS)
        contacts = self.fields(schema.contacts, form.get("contacts", {}), "$.contacts", Scope.CONTACTS)
        return Schema(
            self.timezone(form["timezone"]) if "timezone" in form else schema.timezone,
            contacts,
            self.fields(schema.companies, form.get("companies", {}), "$.companies", Scope.COMPANIES),
            self.events(schema.events, form.get("events", {})),
            self.identified_by(form["identified_by"], contacts) if "identified_by" in form else schema.identified_by,
        )

    def timezone(self, value: object) -> str:
        try:
            return ZoneInfo(value).key if isinstance(value, str) else self._no_zone(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return self._no_zone(value)

    def _no_zone(self, value: object) -> str:
        self.note("bad-timezone", "$.timezone", f"there is no time zone {value!r}", "as in 'Europe/Paris'")
        return "UTC"

    def identified_by(self, value: object, contacts: Mapping[str, Field]) -> tuple[str, ...]:
        if not isinstance(value, list):
            self.note("bad-schema", "$.identified_by", "a list of contact fields is needed")
            return ()
        known = [*contacts, *CONTACT_SYSTEM_FIELDS]
        for number, name in enumerate(value):
            if name not in known:
                hint = did_you_mean(name, known) if isinstance(name, str) else None
                self.note("unknown-field", f"$.identified_by[{number}]", f"unknown field {name!r}", hint)
        return tuple(dict.fromkeys(name for name in value if isinstance(name, str)))

    def events(self, events: Mapping[str, Mapping[str, Field]], value: object) -> Mapping[str, Mapping[str, Field]]:
        result = dict(events)
        for event, properties in self.members(value, "$.events").items():
            path = member("$.events", event)
            if event not in events:
                self.usable(event, path)
            result[event] = self.fields(events.get(event, {}), properties, path, Scope.EVENTS, event)
        return MappingProxyType(result)

    def fields(
        self, declared: Mapping[str, Field], value: object, path: str, scope: Scope, event: str | None = None
    ) -> Mapping[str, Field]:
        result = dict(declared)
        for name, form in self.members(value, path).items():
            here = member(path, name)
            if name in RESERVED[scope]:
                self.note("reserved-name", here, f"the name {name!r} is the system's own")
            elif name in declared:
                result[name] = self.changed(declared[name], form, here, partial_data(self.has_data, scope, event, name))
            else:
                self.usable(name, here)
                result[name] = self.added(name, form, here)
        return MappingProxyType(result)

    def usable(self, name: str, path: str) -> None:
        """A name must fit between backticks, and be told from another at sight."""
        if not name or name != name.strip() or len(name) > LONGEST_NAME or "`" in name or not name.isprintable():
            hint = f"1 to {LONGEST_NAME} printable characters, no backtick, no space at either end"
            self.note("bad-name", path, f"{name[:40]!r} cannot be a name", hint)

    # --- one field ---

    def added(self, name: str, form: object, path: str) -> Field:
        given = self.members(form, path, FIELD_KEYS)
        if isinstance(form, dict) and "type" not in given:
            self.note("bad-schema", path, "a type is needed", f"one of {', '.join(Type)}")
        type = self.type_named(given["type"], path) if "type" in given else Type.TEXT
        options = self.options(given, path, type)
        if type is Type.CHOICE and "options" not in given:
            self.note("bad-options", path, "a choice needs options")
        return Field(name, type, self.decimals(given, path, type, 2), options, self.label(given, path, None))

    def changed(self, old: Field, form: object, path: str, has_data: Callable[[], bool]) -> Field:
        given = self.members(form, path, FIELD_KEYS)
        type = self.type_named(given["type"], path) if "type" in given else old.type
        decimals = self.decimals(given, path, type, old.decimals if type is old.type else 2)
        if type is not old.type and has_data():
            message = f"{old.name!r} is of type {old.type} and has data"
            self.note("field-has-data", f"{path}.type", message, "add a field of another name")
        elif decimals != old.decimals and type is Type.NUMBER and has_data():
            message = f"{old.name!r} has {old.decimals} decimals and data"
            self.note("field-has-data", f"{path}.decimals", message, "add a field of another name")
        options = tuple(dict.fromkeys((*old.options, *self.options(given, path, type))))
        if type is Type.CHOICE and not options:
            self.note("bad-options", path, "a choice needs options")
        kept = options if type is Type.CHOICE else ()
        return replace(old, type=type, decimals=decimals, options=kept, label=self.label(given, path, old.label))

    def type_named(self, value: object, path: str) -> Type:
        try:
            return Type(str(value))
        except ValueError:
            hint = did_you_mean(str(value), Type) or f"one of {', '.join(Type)}"
            self.note("unknown-type", f"{path}.type", f"there is no type {value!r}", hint)
            return Type.TEXT

    def decimals(self, given: dict[str, Any], path: str, type: Type, default: int) -> int:
        if "decimals" not in given:
            return default
        value = given["decimals"]
        whole = isinstance(value, int) and not isinstance(value, bool)
        if type is Type.NUMBER and whole and 0 <= value <= MOST_DECIMALS:
            return int(value)
        message = f"a number has 0 to {MOST_DECIMALS} decimals" if type is Type.NUMBER else "only numbers have decimals"
        self.note("bad-decimals", f"{path}.decimals", message)
        return default

    def options(self, given: dict[str, Any], path: str, type: Type) -> tuple[str, ...]:
        if "options" not in given:
            return ()
        value, here = given["options"], f"{path}.options"
        if type is not Type.CHOICE:
            self.note("bad-options", here, "only choices have options")
        elif not isinstance(value, list) or not value or not all(isinstance(o, str) and o for o in value):
            self.note("bad-options", here, "a list of at least one text is needed")
        elif len(set(value)) < len(value):
            self.note("bad-options", here, "each option stands once")
        else:
            return tuple(value)
        return ()

    def label(self, given: dict[str, Any], path: str, default: str | None) -> str | None:
        value = given.get("label", default)
        if value is None or isinstance(value, str):
            return value
        self.note("bad-schema", f"{path}.label", "a label is a text")
        return default


def partial_data(has_data: HasData, scope: Scope, event: str | None, name: str) -> Callable[[], bool]:
    """`has_data` of one field, asked only when it matters."""
    return lambda: has_data(scope, event, name)
