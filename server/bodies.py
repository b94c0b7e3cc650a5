"""Bodies in and out: JSON and MessagePack by Content-Type and Accept, NDJSON where a body is a list of rows."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect
from starlette.datastructures import QueryParams

from dsl.problems import DataError, Problem
from server.errors import ApiError, Failure

JSON = "application/json"
MSGPACK = "application/msgpack"
NDJSON = "application/x-ndjson"
CSV = "text/csv"

ENCODERS: Mapping[str, Any] = {
    JSON: msgspec.json.Encoder(decimal_format="number"),
    MSGPACK: msgspec.msgpack.Encoder(decimal_format="number"),
}

T = TypeVar("T")


class RowsBody(msgspec.Struct, forbid_unknown_fields=True):
    """A body whose one field is a list of rows; it may also be sent as NDJSON, a row a line, or as CSV."""


def media_type(header: str | None) -> str:
    """The bare media type of a Content-Type header; JSON when there is none."""
    return JSON if not header else header.partition(";")[0].strip().lower()


def accepted(header: str | None) -> Iterator[str]:
    """The media types of an Accept header, best first; a type without q has 1, and q=0 is left out."""
    weighed = []
    for i, part in enumerate((header or "*/*").split(",")):
        name, _, parameters = part.partition(";")
        quality = re.search(r"q\s*=\s*([0-9.]+)", parameters)
        weight = float(quality[1].rstrip(".") or 0) if quality and quality[1].count(".") < 2 else 1.0
        if weight > 0:
            weighed.append((-weight, i, name.strip().lower()))
    return (name for _, _, name in sorted(weighed))


@lru_cache(maxsize=256)
def encoder_for(accept: str | None) -> tuple[bytes, Any]:
    """The media type and encoder of an answer; JSON unless MessagePack is asked for first."""
    chosen = next((name for name in accepted(accept) if name in (*ENCODERS, "*/*", "application/*")), JSON)
    name = chosen if chosen in ENCODERS else JSON
    return name.encode(), ENCODERS[name]


def decode(content: bytes, media: str, kind: type[T]) -> T:
    """A body as `kind`. Raises ApiError 400 (cannot be read), 415 (form unknown) and DataError (does not fit)."""
    try:
        value: T = _decoded(content, media, kind)
    except msgspec.ValidationError as error:
        raise DataError([_misfit(str(error), kind)]) from None
    except RecursionError:
        raise ApiError(Failure.MALFORMED, "the body is nested too deeply") from None
    except UnicodeDecodeError as error:
        raise ApiError(Failure.MALFORMED, f"the body is not UTF-8: {error.reason}") from None
    except (msgspec.DecodeError, ValueError, TypeError) as error:
        raise ApiError(Failure.MALFORMED, _located(str(error), content)) from None
    return value


def _decoded(content: bytes, media: str, kind: Any) -> Any:
    match media:
        case "application/json":
            return _json_decoder(kind).decode(content)
        case "application/msgpack":
            return _msgpack_decoder(kind).decode(content)
        case "application/x-ndjson" if issubclass(kind, RowsBody):
            rows: list[dict[str, Any]] = _row_decoder().decode_lines(content)
            return kind(rows)
        case _:
            forms = f"{JSON} or {MSGPACK}" + (f", {NDJSON} or {CSV}" if issubclass(kind, RowsBody) else "")
            raise ApiError(Failure.UNSUPPORTED_MEDIA, f"'{media}' is not taken here; send {forms}")


@cache
def _json_decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    return msgspec.json.Decoder(kind)


@cache
def _msgpack_decoder(kind: Any) -> msgspec.msgpack.Decoder[Any]:
    return msgspec.msgpack.Decoder(kind)


@cache
def _row_decoder() -> msgspec.json.Decoder[dict[str, Any]]:
    return msgspec.json.Decoder(dict[str, Any])


def convert_options(given: QueryParams, kind: type[T]) -> T:
    """The query parameters of a request as `kind`; DataError names what is unknown or does not fit.

    Fields that are lists take a parameter as often as it comes, others its last value.
    """
    lists = {field.encode_name for field in _fields(kind) if isinstance(_bare(field.type), inspect.ListType)}
    values = {name: given.getlist(name) if name in lists else value for name, value in given.items()}
    try:
        return msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise DataError([_misfit(str(error), kind)]) from None


def _misfit(message: str, kind: type) -> Problem:
    """A msgspec validation message as a problem, with its path and, for unknown names, the closest known one."""
    text, _, path = message.partition(" - at `")
    path = path.rstrip("`") or "$"
    unknown = re.search(r"unknown field `(.*)`", text)
    if unknown:
        known = field_names(kind)
        close = get_close_matches(unknown[1], known, n=1)
        hint = f"did you mean '{close[0]}'?" if close else f"what may be given: {', '.join(known)}"
        return Problem("unknown-key", f"unknown key '{unknown[1]}'", hint, path=f"{path}.{unknown[1]}")
    missing = re.search(r"missing required field `(.*)`", text)
    if missing:
        return Problem("missing-key", f"'{missing[1]}' is missing", f"add '{missing[1]}'", path=f"{path}.{missing[1]}")
    return Problem("bad-value", text.replace("`", "'"), path=path)


def field_names(kind: type) -> list[str]:
    """Names of the fields of a Struct; none for any other type."""
    return [field.encode_name for field in _fields(kind)]


def _bare(kind: inspect.Type) -> inspect.Type:
    """A type without what is only said of it."""
    return kind.type if isinstance(kind, inspect.Metadata) else kind


def _fields(kind: type) -> tuple[inspect.Field, ...]:
    shape = inspect.type_info(kind)
    return shape.fields if isinstance(shape, inspect.StructType) else ()


def _located(message: str, content: bytes) -> str:
    """A decoding message with its byte offset also as line and column."""
    found = re.search(r"\(byte (\d+)\)", message)
    if found is None:
        return message
    before = content[: int(found[1])]
    line, column = before.count(b"\n") + 1, len(before) - (before.rfind(b"\n") + 1) + 1
    return f"{message}, line {line}, column {column}"
