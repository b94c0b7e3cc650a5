"""The language's tools: check, format, describe, and the JSON form."""

from __future__ import annotations

from functools import cache
from typing import Annotated, Any

import msgspec
from starlette.responses import Response

from dsl.complete import Completion
from dsl.describe import ENGLISH, LANGUAGES, Code, Language
from dsl.describe import describe as described
from dsl.format import format as formatted
from dsl.json_form import from_json, json_schema, to_json
from dsl.parse import parse as parsed
from dsl.problems import DataError, Problem
from server.bodies import accepted
from server.errors import ProblemView, shown
from server.operations import Call
from server.shapes import Params

MOST_ITEMS = 1000
"""A completion has no more items: nobody reads on."""


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


class CompleteBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An expression, finished or not, and where its cursor stands: an offset in characters, the end when absent."""

    expression: str
    cursor: Annotated[int, msgspec.Meta(ge=0)] | None = None
    limit: Annotated[int, msgspec.Meta(ge=1, le=MOST_ITEMS)] = 20


class ParseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """An expression as text, or as the tree that /v1/language/schema.json describes: one of the two."""

    expression: str | msgspec.UnsetType = msgspec.UNSET
    tree: Any = msgspec.UNSET


class Parsed(msgspec.Struct, frozen=True):
    """The canonical text of an expression, and its tree."""

    expression: str
    tree: dict[str, Any]


async def check(call: Call, body: CheckBody) -> Checked:
    problems = call.workspace.check(body.expression, body.params)
    return Checked(not problems, [shown(problem, body.expression) for problem in problems])


async def format(call: Call, body: FormatBody) -> Formatted:
    return Formatted(formatted(parsed(body.expression)))


async def describe(call: Call, body: DescribeBody) -> Described:
    language = LANGUAGES[spoken(call, body.language)]
    return Described(described(parsed(body.expression), language, schema=call.workspace.schema))


def spoken(call: Call, asked: Code | None) -> Code:
    """The language to answer in: the one asked for, or else the one that Accept-Language likes best."""
    return asked or preferred(call.header(b"accept-language")).code


def preferred(header: str | None) -> Language:
    """The language an Accept-Language header likes best of those there are; English when it names none."""
    codes = (name.partition("-")[0] for name in accepted(header))
    return next((language for code in codes if (language := LANGUAGES.get(code))), ENGLISH)


async def complete(call: Call, body: CompleteBody) -> Completion:
    return await call.run(call.workspace.complete, body.expression, body.cursor, body.limit)


async def parse(call: Call, body: ParseBody) -> Parsed:
    return await call.run(_both_forms, body)


def _both_forms(body: ParseBody) -> Parsed:
    match body.expression, body.tree:
        case str(text), msgspec.UNSET:
            selection = parsed(text)
        case msgspec.UNSET, tree if tree is not msgspec.UNSET:
            selection = from_json(tree, "$.tree")
        case _:
            raise DataError([Problem("bad-value", "'expression' or 'tree' is needed, and not both", path="$")])
    return Parsed(formatted(selection), to_json(selection))


async def schema(call: Call) -> Response:
    return Response(_schema_document(), media_type="application/schema+json")


@cache
def _schema_document() -> bytes:
    return msgspec.json.format(msgspec.json.encode(json_schema()), indent=1)
