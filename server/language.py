"""The language's tools: check and format."""

from __future__ import annotations

import msgspec

from dsl.format import format as formatted
from dsl.parse import parse
from server.errors import ProblemView, shown
from server.operations import Call
from server.shapes import Params


class CheckBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An expression to check against the schema, the segments and its parameters."""

    expression: str
    params: Params = None


class Checked(msgspec.Struct, frozen=True):
    """Every problem of an expression; `valid` when there is none."""

    valid: bool
    problems: list[ProblemView]


class FormatBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    expression: str


class Formatted(msgspec.Struct, frozen=True):
    """The canonical text."""

    expression: str


async def check(call: Call, body: CheckBody) -> Checked:
    problems = call.workspace.check(body.expression, body.params)
    return Checked(not problems, [shown(problem, body.expression) for problem in problems])


async def format(call: Call, body: FormatBody) -> Formatted:
    return Formatted(formatted(parse(body.expression)))
