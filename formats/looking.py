"""A file's first rows, and how they are written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa

from dsl.problems import DataError, Problem
from formats.convert import settled
from formats.dialect import delimiter_of, encoding_of
from formats.from_csv import CsvReader
from formats.from_ndjson import NdjsonReader, common, prevailing, uncollected
from formats.from_parquet import ParquetReader
from formats.guess import Values, date_order, number_style
from formats.inferred import Dialect, ReadOptions
from formats.media import Format, by_suffix
from formats.rows import Sample, Strays, shortened
from formats.sources import Source, Utf8Stream

ROWS = 100_000
"""Rows of text looked at."""
TYPED_ROWS, TYPED_BYTES = 1_000_000, 64 << 20
"""Rows of Parquet looked at, or bytes in memory when that is less."""
START = 1 << 20
"""Bytes looked at for the encoding and the delimiter."""


@dataclass(frozen=True, slots=True)
class Looked:
    """A file's first rows, how they are written, and whether its dates could be read in either order."""

    sample: Sample
    dialect: Dialect
    open_order: bool


def format_of(source: Source, file: BinaryIO) -> Format:
    """What a file is: by its first bytes, its name, or its looks."""
    start = file.read(4096)
    file.seek(0)
    if start.startswith(b"PAR1"):
        return Format.PARQUET
    found = by_suffix(source) if isinstance(source, (str, Path)) else None
    if found is not None and found.reads:
        return found.format
    return Format.NDJSON if start.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") else Format.CSV


def look(file: BinaryIO, format: Format, options: ReadOptions) -> Looked:
    """The first rows of a file. DataError when it cannot be read at all."""
    match format:
        case Format.CSV:
            return _csv(file, options)
        case Format.NDJSON:
            with uncollected():
                return _ndjson(file, options)
        case Format.PARQUET:
            return Looked(_parquet(file), Dialect(), False)
        case _:
            raise DataError([Problem("unreadable-format", f"files of format '{format}' are not read")])


def _text_dialect(file: BinaryIO, options: ReadOptions) -> Dialect:
    start = file.read(START)
    file.seek(0)
    encoding = options.encoding or encoding_of(start)
    try:
        "".encode(encoding)
    except LookupError:
        raise DataError([Problem("unknown-encoding", f"'{encoding}' is no encoding")]) from None
    return Dialect(encoding=encoding)


def _csv(file: BinaryIO, options: ReadOptions) -> Looked:
    dialect = _text_dialect(file, options)
    text = Utf8Stream(file, dialect.encoding).read(START).decode(errors="replace")
    dialect = replace(dialect, delimiter=options.delimiter or delimiter_of(text))
    names = None if options.names is None else list(options.names)
    dialect = replace(dialect, header=names is None)
    reader = CsvReader(file, dialect, names)
    sample = _sample_csv(reader)
    values = [Values.of(array) for array in sample.columns if array is not None]
    decimal, thousands = number_style(values, dialect)
    decimal = options.decimal or decimal
    # A separator of groups that the user's decimal mark has taken cannot be meant.
    thousands = options.thousands if options.thousands is not None else thousands if thousands != decimal else ""
    order, open_order = date_order(values, dialect)
    dialect = replace(dialect, decimal=decimal, thousands=thousands, date_order=options.date_order or order)
    return Looked(sample, dialect, open_order and options.date_order is None)


def _sample_csv(reader: CsvReader) -> Sample:
    chunks = []
    rows = 0
    for chunk in reader.chunks():
        chunks.append([chunk.column(i)[: ROWS - rows] for i in range(len(reader.names))])
        rows += len(chunks[-1][0])
        if rows >= ROWS:
            break
    columns: list[pa.Array | None] = [pa.concat_arrays(parts) for parts in zip(*chunks, strict=True)]
    return Sample(reader.names, columns or [pa.array([], pa.string())] * len(reader.names), rows)


def _ndjson(file: BinaryIO, options: ReadOptions) -> Looked:
    dialect = _text_dialect(file, options)
    chunks = []
    rows = 0
    for chunk in NdjsonReader(file, dialect).chunks():
        chunks.append(chunk)
        rows += len(chunk)
        if rows >= ROWS:
            break
    names = list(dict.fromkeys(name for chunk in chunks for name in chunk.names()))
    columns: list[pa.Array | None] = []
    strays: dict[str, Strays] = {}
    for name in names:
        values, others = prevailing([value for chunk in chunks for value in chunk.values(name)])
        columns.append(_json_column(values))
        if others:
            strays[name] = Strays(len(others), shortened(msgspec.json.encode(others[0]).decode()))
    return Looked(Sample(names, columns, rows, strays), dialect, False)


def _json_column(values: list[Any]) -> pa.Array | None:
    """Values of one type as an array; objects, which no field holds, as empty structs."""
    if dict in set(map(type, values)):
        return pa.array([None if value is None else {} for value in values], pa.struct([]))
    return common(values)


def _parquet(file: BinaryIO) -> Sample:
    """Typed columns are cheap to look at, so more of them is."""
    reader = ParquetReader(file)
    chunks = []
    rows = size = 0
    for chunk in reader.chunks():
        chunks.append(chunk)
        rows, size = rows + len(chunk), size + chunk.size
        if rows >= TYPED_ROWS or size >= TYPED_BYTES:
            break
    columns: list[pa.Array | None] = [
        pa.concat_arrays([settled(pa.array([], type_)), *(chunk.array(name) for chunk in chunks)])
        for name, type_ in zip(reader.names, reader.types, strict=True)
    ]
    return Sample(reader.names, columns, rows)
