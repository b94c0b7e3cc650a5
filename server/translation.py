"""Expressions to and from the rules of other programs."""

from __future__ import annotations

from typing import Any

import msgspec

from dsl.format import format
from dsl.interop import Form, read_rules, write_rules
from dsl.json_form import to_json
from dsl.parse import parse
from server.errors import ProblemView, shown
from server.operations import Call


class ImportRulesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A document of rules in one of the forms that are known."""

    form: Form
    document: Any


class ImportedRules(msgspec.Struct, frozen=True):
    """The expression that says the same, as text and as a tree; `notes` tell where the two sides differ."""

    expression: str
    tree: dict[str, Any]
    notes: list[ProblemView]


class ExportRulesBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An expression, and the form that is to say it."""

    form: Form
    expression: str


class ExportedRules(msgspec.Struct, frozen=True):
    """The document that says the same; `notes` tell where the two sides differ."""

    document: Any
    notes: list[ProblemView]


async def read(call: Call, body: ImportRulesBody) -> ImportedRules:
    found = await call.run(read_rules, body.form, body.document, call.workspace.schema, "$.document")
    text = format(found.selection)
    return ImportedRules(text, to_json(found.selection), [shown(note) for note in found.notes])


async def write(call: Call, body: ExportRulesBody) -> ExportedRules:
    text = body.expression
    found = await call.run(write_rules, body.form, parse(text), call.workspace.schema, text=text)
    return ExportedRules(found.document, [shown(note, text) for note in found.notes])
