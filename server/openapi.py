"""The OpenAPI 3.1 description, made from the routes table and the types in the handlers' signatures."""

from __future__ import annotations

import re
import types
from collections.abc import Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Union, get_args, get_origin

import msgspec
from starlette.responses import Response

from server.asking import QUERY_ID
from server.bodies import CSV, JSON, MSGPACK, NDJSON, RowsBody
from server.errors import PROBLEM_JSON, Failure, ProblemDocument
from server.operations import Operation, Shape

REFERENCE = "#/components/schemas/{name}"
GROUPS = {
    "query": "Queries",
    "queries": "Queries",
    "language": "Language",
    "segments": "Segments",
    "contacts": "Contacts",
    "companies": "Companies",
    "events": "Events",
    "imports": "Imports and jobs",
    "jobs": "Imports and jobs",
    "schema": "Schema",
    "limits": "Queries",
    "keys": "Keys",
}
INTRODUCTION = """\
Tamis answers one question very fast: which contacts match this expression, right now?

Bodies are JSON or MessagePack by Content-Type, answers by Accept. A write answers `accepted` and `seq` once it is
durable, and is all or nothing; a query with `min_seq` is sure to see it. An `Idempotency-Key` header makes a retried
write safe for a day. Times are ISO 8601, in UTC. Every error is an `application/problem+json` document.

A query has a deadline: its `timeout_ms`, or the server's. It is answered before that or not at all, with 503 and
`deadline-exceeded` (408 would blame the client, and invite it to ask the same again at once). A client that goes away
cancels its query. `X-Query-Id` names a query, so that others can cancel it too (`…/queries/{id}/cancel`): then the one
who asked is answered 409 and `query-cancelled`."""


def describe(operations: Iterable[Operation]) -> dict[str, Any]:
    """The whole document."""
    table = [(operation, operation.shape) for operation in operations]
    schemas, components = _schemas(table)
    paths: dict[str, dict[str, Any]] = {}
    for operation, shape in table:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(
            operation, shape, schemas, components
        )
    return {
        "openapi": "3.1.0",
        "info": {"title": "Tamis", "version": _version(), "description": INTRODUCTION},
        "servers": [{"url": "/"}],
        "security": [{"key": []}],
        "tags": [{"name": name} for name in dict.fromkeys(_group(operation) for operation, _ in table)],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}},
            "responses": {"Problem": _problem_response()},
        },
        "x-problems": [{"code": f.code, "status": f.status, "title": f.title} for f in Failure],
    }


def _version() -> str:
    """That of the installed package; a checkout that is not installed has none."""
    try:
        return version("tamis")
    except PackageNotFoundError:
        return "0"


def _schemas(table: list[tuple[Operation, Shape]]) -> tuple[dict[Any, dict[str, Any]], dict[str, Any]]:
    """JSON Schemas of every type in the table, by type; and the named ones they refer to."""
    kinds = [ProblemDocument, *(kind for _, shape in table for kind in _types(shape))]
    unique = list(dict.fromkeys(kinds))
    schemas, components = msgspec.json.schema_components(unique, ref_template=REFERENCE)
    return dict(zip(unique, schemas, strict=True)), components


def _types(shape: Shape) -> Iterator[Any]:
    yield from (kind for kind in (shape.body, shape.options) if kind is not None)
    yield from _answers(shape)


def _answers(shape: Shape) -> Iterator[Any]:
    """The types an answer can have, streams aside."""
    union = get_origin(shape.answer) in (Union, types.UnionType)
    for kind in get_args(shape.answer) if union else (shape.answer,):
        if not (isinstance(kind, type) and issubclass(kind, Response)):
            yield kind


def _operation(
    operation: Operation, shape: Shape, schemas: dict[Any, dict[str, Any]], components: dict[str, Any]
) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": f"{operation.handler.__module__.rpartition('.')[2]}_{operation.handler.__name__}",
        "tags": [_group(operation)],
        "parameters": [*_path_parameters(operation), *_headers(operation), *_query_parameters(shape, components)],
        "responses": {str(operation.status): _response(operation, shape, schemas), "default": _REFUSED},
    }
    body = _request_body(operation, shape, schemas)
    if body is not None:
        described["requestBody"] = body
    if operation.public:
        described["security"] = []
    if operation.scope is not None:
        described["x-scope"] = operation.scope.value
    return described


_REFUSED = {"$ref": "#/components/responses/Problem"}


def _problem_response() -> dict[str, Any]:
    schema = {"$ref": REFERENCE.format(name=ProblemDocument.__name__)}
    return {"description": "What went wrong, and how to mend it", "content": {PROBLEM_JSON: {"schema": schema}}}


def _group(operation: Operation) -> str:
    parts = operation.path.split("/")
    return next((GROUPS[part] for part in parts if part in GROUPS), "Workspaces" if "v1" in parts else "Server")


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    names = re.findall(r"{(\w+)}", operation.path)
    return [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]


def _headers(operation: Operation) -> list[dict[str, Any]]:
    retried = ["Idempotency-Key"] if operation.writes else []
    asking = [QUERY_ID] if operation.asks else []
    names = (*operation.heeds, *retried, *asking)
    return [{"name": name, "in": "header", "required": False, "schema": {"type": "string"}} for name in names]


def _query_parameters(shape: Shape, components: dict[str, Any]) -> list[dict[str, Any]]:
    if shape.options is None:
        return []
    described = components[shape.options.__name__]
    required = described.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": schema}
        for name, schema in described["properties"].items()
    ]


def _request_body(operation: Operation, shape: Shape, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any] | None:
    if operation.streams_in:
        return {"required": True, "content": {form: {} for form in operation.streams_in}}
    if shape.body is None:
        return None
    content: dict[str, Any] = {form: {"schema": schemas[shape.body]} for form in (JSON, MSGPACK)}
    if issubclass(shape.body, RowsBody):
        content |= {NDJSON: {}, CSV: {}}
    return {"required": True, "content": content}


def _response(operation: Operation, shape: Shape, schemas: dict[Any, dict[str, Any]]) -> dict[str, Any]:
    answers = [schemas[kind] for kind in _answers(shape)]
    schema = {} if not answers else {"schema": answers[0] if len(answers) == 1 else {"anyOf": answers}}
    return {"description": operation.summary, "content": dict.fromkeys(operation.gives, schema)}
