"""The language's tools: check, format and describe."""

from __future__ import annotations

import msgspec

from dsl.describe import ENGLISH, LANGUAGES, Code, Language
from dsl.describe import describe as described
from dsl.format import format as formatted
from dsl.parse import parse
from server.bodies import accepted
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


class DescribeBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An expression to put in words; in the language that Accept-Language likes best when `language` is absent."""

    expression: str
    language: Code | None = None


class Described(msgspec.Struct, frozen=True):
    """One sentence; fields are called by their labels."""

    sentence: str


async def check(call: Call, body: CheckBody) -> Checked:
    problems = call.workspace.check(body.expression, body.params)
    return Checked(not problems, [shown(problem, body.expression) for problem in problems])


async def format(call: Call, body: FormatBody) -> Formatted:
    return Formatted(formatted(parse(body.expression)))


async def describe(call: Call, body: DescribeBody) -> Described:
    language = LANGUAGES[body.language] if body.language else preferred(call.request.headers.get("accept-language"))
    return Described(described(parse(body.expression), language, schema=call.workspace.schema))


def preferred(header: str | None) -> Language:
    """The language an Accept-Language header likes best of those there are; English when it names none."""
    codes = (name.partition("-")[0] for name in accepted(header))
    return next((language for code in codes if (language := LANGUAGES.get(code))), ENGLISH)
