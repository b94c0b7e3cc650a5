"""Members into a file: CSV, NDJSON and Arrow as the formats room writes them, Parquet as pyarrow does."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
from pyarrow import parquet

from formats.media import Format, by_suffix
from formats.writing import write as written
from server.cli.backend import Rows


def form_of(output: Path | None) -> Format:
    """The form that a file's suffix stands for; CSV where it stands for none."""
    found = by_suffix(output) if output is not None else None
    return Format.CSV if found is None else found.format


def write(rows: Rows, form: Format, sink: BinaryIO) -> int:
    """Writes every batch as it comes; the number of rows."""
    counted = Counted(rows.batches)
    if form is Format.PARQUET:
        with parquet.ParquetWriter(sink, rows.schema) as writer:
            for batch in counted:
                writer.write_batch(batch)
    else:
        sink.writelines(written(form, rows.schema, counted))
    sink.flush()
    return counted.rows


class Counted:
    """Batches that have been passed on, counted."""

    def __init__(self, batches: Iterator[pa.RecordBatch]) -> None:
        self.rows = 0
        self._batches = batches

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        for batch in self._batches:
            self.rows += batch.num_rows
            yield batch
