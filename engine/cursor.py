"""Page cursors: where a page ended, as an opaque text that a client hands back."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import msgspec

from dsl.problems import DataError, Problem


class Cursor(msgspec.Struct, frozen=True, array_like=True):
    """After `row`, whose sort key was `key`, in the order `sort`."""

    sort: str | None
    key: str | int | float | None
    row: int


_decoder = msgspec.msgpack.Decoder(Cursor)


def encode_cursor(cursor: Cursor) -> str:
    return urlsafe_b64encode(msgspec.msgpack.encode(cursor)).decode().rstrip("=")


def decode_cursor(text: str, sort: str | None) -> Cursor:
    """The cursor of `text`; DataError when it is none of ours, or belongs to another order."""
    try:
        cursor = _decoder.decode(urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, msgspec.DecodeError):
        raise _bad("this is not a cursor that a page gave") from None
    if cursor.sort != sort:
        raise _bad(f"this cursor belongs to pages sorted by {cursor.sort or 'nothing'}")
    return cursor


def _bad(message: str) -> DataError:
    return DataError(
        [Problem("bad-cursor", message, "send 'next' back as it came, with the same sort", path="$.cursor")]
    )
