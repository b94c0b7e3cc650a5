"""The schema of a workspace: read, and patched."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from dsl.schema_json import schema_to_json
from engine.results import Ack
from server.operations import Call

TypeName = Literal["text", "choice", "number", "float", "boolean", "date", "datetime", "tags"]


class FieldBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A field: `decimals` (0 to 6) for numbers alone, `options` for choices alone."""

    type: TypeName | msgspec.UnsetType = msgspec.UNSET
    decimals: int | msgspec.UnsetType = msgspec.UNSET
    options: list[str] | msgspec.UnsetType = msgspec.UNSET
    label: str | msgspec.UnsetType | None = msgspec.UNSET


class SchemaBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A schema, or what to add to one: fields by name, event types by name with their properties."""

    timezone: str | msgspec.UnsetType = msgspec.UNSET
    contacts: dict[str, FieldBody] | msgspec.UnsetType = msgspec.UNSET
    companies: dict[str, FieldBody] | msgspec.UnsetType = msgspec.UNSET
    events: dict[str, dict[str, FieldBody]] | msgspec.UnsetType = msgspec.UNSET
    identified_by: list[str] | msgspec.UnsetType = msgspec.UNSET


async def show(call: Call) -> SchemaBody:
    return msgspec.convert(schema_to_json(call.workspace.schema), SchemaBody)


async def patch(call: Call, body: SchemaBody) -> Ack:
    given: dict[str, Any] = msgspec.to_builtins(body)
    return await call.write(call.written.patch_schema, given)
