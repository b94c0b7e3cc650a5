"""Imports: a file of any size in the body, spooled to disk and then worked off as a job."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, BinaryIO

import msgspec
from msgspec import Meta
from starlette.responses import Response

from dsl.problems import DataError, Problem
from dsl.schema import Type
from formats.batch import Kind
from formats.event_types import parse_rule
from formats.inferred import DateOrder, ReadOptions
from formats.media import MEDIA, Media, by_content_type
from formats.roles import headers_in
from formats.rows import OnError
from server.errors import ApiError, Failure
from server.importers import new_spool
from server.importing import Job, Rehearsal, Request, rehearse
from server.operations import Call, in_thread
from storage import StorageFull

IMPORT_FORMS = tuple(media.types[0] for media in MEDIA if media.reads)
SPOOL_CHUNK = 1 << 20


class ImportOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How to read the file; whatever is absent is inferred. Columns are named by their headers."""

    kind: Kind
    type: Annotated[str | None, Meta(description="the event type, where no column names it")] = None
    on_error: OnError = OnError.STOP
    dry_run: bool = False
    unknown_contacts: Annotated[str, Meta(pattern="^(create|reject)$")] = "create"
    id_column: str | None = None
    at_column: str | None = None
    type_column: str | None = None
    event_id_column: str | None = None
    company_column: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    decimal: str | None = None
    thousands: str | None = None
    date_order: DateOrder | None = None
    type_rule: Annotated[list[str], Meta(description="'type:column~pattern' (RE2); the first that fits decides")] = []
    id_columns: Annotated[
        str | None, Meta(description="columns event ids are made of, separated by commas; * means all")
    ] = None
    names: Annotated[str | None, Meta(description="columns of a CSV file without a header, separated by commas")] = None
    only: Annotated[str | None, Meta(description="the columns that become fields, separated by commas")] = None
    field_type: Annotated[list[str], Meta(description="'field=type': the type of a new field")] = []
    columns: Annotated[
        str | None, Meta(description="header=field pairs, separated by commas; header= leaves it out")
    ] = None

    def request(self, media: Media) -> Request:
        """The import that was asked for."""
        options = ReadOptions(
            format=media.format,
            encoding=self.encoding,
            delimiter=self.delimiter,
            decimal=self.decimal,
            thousands=self.thousands,
            date_order=self.date_order,
            columns=_pairs(self.columns),
            key=self.id_column,
            at=self.at_column,
            event_type=self.type_column,
            event_id=self.event_id_column,
            company=self.company_column,
            event=self.type,
            types=dict(map(_typed, self.field_type)),
            type_rules=tuple(map(parse_rule, self.type_rule)),
            id_columns=headers_in(self.id_columns) or (),
            names=headers_in(self.names),
            only=headers_in(self.only),
        )
        return Request(self.kind, options, self.on_error, self.unknown_contacts == "create")


def _pairs(text: str | None) -> dict[str, str | None]:
    pairs: dict[str, str | None] = {}
    for part in (text or "").split(","):
        header, equals, name = part.partition("=")
        if header and not equals:
            hint = "write header=field, or header= to leave the column out"
            raise DataError([Problem("bad-value", f"'{part}' names no field", hint, path="$.columns")])
        if header:
            pairs[header.strip()] = name.strip() or None
    return pairs


def _typed(text: str) -> tuple[str, Type]:
    name, _, type_ = text.rpartition("=")
    if not name or type_ not in set(Type):
        hint = f"write field=type, where a type is one of {', '.join(Type)}"
        raise DataError([Problem("bad-value", f"'{text}' gives no field a type", hint, path="$.field_type")])
    return name, Type(type_)


async def create(call: Call, options: ImportOptions) -> Job | Rehearsal | Response:
    media = _media(call)
    request = options.request(media)
    line = await in_thread(call.service.importers.line, call.param("workspace"))
    line.admit()
    path = new_spool(line)
    try:
        digest = await _spool(call, path)
        if options.dry_run:
            call.status = 200
            return await in_thread(rehearse, call.written, path, request)

        async def submit() -> Response:
            return call.answer(await in_thread(line.submit, request, path))

        return await call.once(digest, submit)
    finally:
        if path.name not in line.tasks:
            path.unlink(missing_ok=True)


def _media(call: Call) -> Media:
    content_type = call.header(b"content-type") or ""
    media = by_content_type(content_type)
    if media is None or not media.reads:
        raise ApiError(Failure.UNSUPPORTED_MEDIA, f"'{content_type}' is not imported; send {', '.join(IMPORT_FORMS)}")
    return media


async def _spool(call: Call, path: Path) -> bytes:
    """Writes the body to `path` as it comes, in chunks, so that a slow disk slows the sender down; its SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        waiting = bytearray()
        more = True
        while more:
            piece, more = await call.piece()
            waiting += piece
            if len(waiting) >= SPOOL_CHUNK:
                await in_thread(_write, file, digest, bytes(waiting))
                waiting.clear()
        await in_thread(_write, file, digest, bytes(waiting))
    return digest.digest()


def _write(file: BinaryIO, digest: hashlib._Hash, content: bytes) -> None:
    digest.update(content)
    try:
        file.write(content)
        file.flush()
    except OSError as error:
        raise StorageFull(f"no room for the file to import: {error}") from error
