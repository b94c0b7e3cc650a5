"""The fields a file's columns go to: those of the schema, then those its patch would add."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dsl.schema import Field, Schema, Type
from formats.batch import Kind
from formats.inferred import Inferred


def declared(schema: Schema, kind: Kind, event: str | None = None) -> Mapping[str, Field]:
    """The schema's fields of contacts, companies or one event type, by name; empty for an unknown event type."""
    match kind:
        case Kind.CONTACTS:
            return schema.contacts
        case Kind.COMPANIES:
            return schema.companies
        case Kind.EVENTS:
            return schema.events.get(event or "", {})


def patched(patch: Mapping[str, Any], kind: Kind, event: str | None = None) -> dict[str, Field]:
    """The fields a schema patch adds to contacts, companies or one event type."""
    part = patch.get(kind.value, {})
    if kind is Kind.EVENTS:
        part = part.get(event, {})
    return {
        name: Field(name, Type(spec["type"]), spec.get("decimals", 2), tuple(spec.get("options", ())))
        for name, spec in part.items()
    }


def fields_of(schema: Schema, inferred: Inferred, event: str | None) -> dict[str, Field]:
    """Every field rows can have; what the schema declares goes before what the file would add."""
    return {**patched(inferred.patch, inferred.kind, event), **declared(schema, inferred.kind, event)}
