"""The formats Tamis reads and writes: one table of names, media types and suffixes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePath


class Format(StrEnum):
    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True)
class Media:
    """How one format is called: `types[0]` is the media type Tamis answers with, the others are understood too."""

    format: Format
    types: tuple[str, ...]
    suffixes: tuple[str, ...]
    reads: bool
    writes: bool


MEDIA: tuple[Media, ...] = (
    Media(
        Format.CSV,
        ("text/csv", "text/tab-separated-values", "application/csv"),
        (".csv", ".tsv", ".txt"),
        reads=True,
        writes=True,
    ),
    Media(
        Format.NDJSON,
        ("application/x-ndjson", "application/ndjson", "application/jsonl", "application/x-jsonlines"),
        (".ndjson", ".jsonl"),
        reads=True,
        writes=True,
    ),
    Media(
        Format.PARQUET,
        ("application/vnd.apache.parquet", "application/x-parquet"),
        (".parquet", ".pq"),
        reads=True,
        writes=False,
    ),
    Media(
        Format.ARROW,
        ("application/vnd.apache.arrow.stream",),
        (".arrows", ".arrow"),
        reads=False,
        writes=True,
    ),
)


def media(format: Format) -> Media:
    """The row of the table for a format."""
    return next(row for row in MEDIA if row.format is format)


def by_content_type(content_type: str) -> Media | None:
    """The format of a Content-Type header, its parameters aside; None when it is none of the table.

    >>> by_content_type("text/csv; charset=utf-8").format
    <Format.CSV: 'csv'>
    """
    name = content_type.partition(";")[0].strip().lower()
    return next((row for row in MEDIA if name in row.types), None)


def by_suffix(name: str | PurePath) -> Media | None:
    """The format a file name's suffix stands for; None when it is none of the table."""
    suffix = PurePath(name).suffix.lower()
    return next((row for row in MEDIA if suffix in row.suffixes), None)


def by_accept(accept: str) -> Media | None:
    """The written format an Accept header prefers (RFC 9110 12.5.1); None when it takes none of them.

    Among equals the header's own order decides; wildcards stand for the first written format they cover.

    >>> by_accept("text/csv;q=0.5, application/x-ndjson").format
    <Format.NDJSON: 'ndjson'>
    """
    ranked = sorted(_preferences(accept), key=lambda choice: -choice[1])
    return next((row for pattern, quality in ranked if quality > 0 and (row := _written(pattern)) is not None), None)


def _preferences(accept: str) -> list[tuple[str, float]]:
    choices = []
    for part in accept.split(","):
        pattern, *parameters = (piece.strip().lower() for piece in part.split(";"))
        quality = next((p[2:] for p in parameters if p.startswith("q=")), "1")
        choices.append((pattern, _quality(quality)))
    return choices


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


def _written(pattern: str) -> Media | None:
    def covered(row: Media) -> bool:
        if pattern.endswith("/*"):
            return pattern == "*/*" or row.types[0].startswith(pattern[:-1])
        return pattern in row.types

    return next((row for row in MEDIA if row.writes and covered(row)), None)
