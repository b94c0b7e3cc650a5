"""Writing rows out: one encoder a format, each a stream of bytes made batch by batch in constant memory."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Iterator

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.types as kinds

from formats.media import Format
from formats.numbers import mask_of

TAG_SEPARATOR = "|"
"""What parts the tags of a CSV cell."""

_encoder = msgspec.json.Encoder(decimal_format="number")


def write(
    format: Format, schema: pa.Schema, batches: Iterable[pa.RecordBatch], *, safe: bool = False
) -> Iterator[bytes]:
    """The batches (all of `schema`) in a format. ValueError for a format that is not written.

    `safe` concerns CSV alone: see `write_csv`.
    """
    match format:
        case Format.CSV:
            return write_csv(schema, batches, safe=safe)
        case Format.NDJSON:
            return write_ndjson(schema, batches)
        case Format.ARROW:
            return write_arrow(schema, batches)
        case _:
            raise ValueError(f"{format} is not written")


def write_csv(schema: pa.Schema, batches: Iterable[pa.RecordBatch], *, safe: bool = False) -> Iterator[bytes]:
    """RFC 4180 in UTF-8 with a header: CRLF line ends, quotes only where needed, tags joined by `|`.

    A null is an empty cell, empty text a pair of quotes. Values are written as they are; `safe` puts an apostrophe
    before text that a spreadsheet would take for a formula (it starts with `=`, `+`, `-`, `@`, a tab or a carriage
    return), which alters such values.
    """
    header = pa.record_batch([pa.array([name]) for name in schema.names], names=schema.names)
    yield _csv_lines(header, safe=safe)
    for batch in batches:
        if batch.num_rows:
            yield _csv_lines(batch, safe=safe)


def _csv_lines(batch: pa.RecordBatch, *, safe: bool) -> bytes:
    cells = [_csv_cells(column, safe=safe) for column in batch.columns]
    # A lone empty cell would be a blank line, which readers skip.
    blank = '""' if len(cells) == 1 else ""
    cells = [pc.fill_null(column, blank) for column in cells]
    lines = pc.binary_join_element_wise(*cells[:-1], pc.binary_join_element_wise(cells[-1], "", "\r\n"), ",")
    return _bytes_of(lines)


def _csv_cells(column: pa.Array, *, safe: bool) -> pa.StringArray:
    if kinds.is_list(column.type):
        column = pc.binary_join(column, TAG_SEPARATOR)
    textual = kinds.is_string(column.type) or kinds.is_large_string(column.type)
    texts = pc.cast(_jsonable(column), pa.string())
    if not textual:
        return texts
    if safe:
        texts = _replaced(texts, r"^[=+\-@\t\r]", lambda risky: pc.binary_join_element_wise("'", risky, ""))
    return _replaced(texts, r'[",\r\n]|^$', _quoted)


def _quoted(texts: pa.StringArray) -> pa.StringArray:
    return pc.binary_join_element_wise('"', pc.replace_substring(texts, '"', '""'), '"', "")


def _replaced(texts: pa.StringArray, shape: str, change: Callable[[pa.StringArray], pa.StringArray]) -> pa.StringArray:
    """The texts with those of a shape changed."""
    shaped = mask_of(pc.match_substring_regex(texts, shape))
    return pc.if_else(pa.array(shaped), change(texts), texts) if shaped.any() else texts


def _bytes_of(lines: pa.StringArray) -> bytes:
    """The text of all lines, one after the other, which is how Arrow keeps them."""
    offsets = lines.buffers()[1]
    ends = memoryview(offsets).cast("i")
    return bytes(memoryview(lines.buffers()[2])[ends[lines.offset] : ends[lines.offset + len(lines)]])


def write_ndjson(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """One JSON object a line, in UTF-8; nulls are written as null."""
    for batch in batches:
        if batch.num_rows:
            columns = [_jsonable(column).to_pylist() for column in batch.columns]
            names = schema.names
            yield _encoder.encode_lines([dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)])


def _jsonable(column: pa.Array) -> pa.Array:
    """Dates and timestamps as ISO 8601 text (UTC, with as much of the second as there is); others as they are."""
    if kinds.is_date(column.type):
        return pc.cast(column, pa.string())
    if kinds.is_timestamp(column.type):
        text = pc.replace_substring(pc.cast(pc.cast(column, pa.timestamp("ms")), pa.string()), " ", "T")
        return pc.binary_join_element_wise(pc.replace_substring_regex(text, r"\.000$", ""), "Z", "")
    return column


def write_arrow(schema: pa.Schema, batches: Iterable[pa.RecordBatch]) -> Iterator[bytes]:
    """The Arrow IPC stream format."""
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, schema) as writer:
        yield _drained(sink)
        for batch in batches:
            writer.write_batch(batch)
            yield _drained(sink)
    yield _drained(sink)


def _drained(sink: io.BytesIO) -> bytes:
    data = sink.getvalue()
    sink.seek(0)
    sink.truncate()
    return data
