"""Parquet: typed columns, read by batches of rows."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import BinaryIO

import msgspec
import numpy as np
import pyarrow as pa
from pyarrow import parquet

from dsl.problems import DataError, Problem
from dsl.schema import Field
from formats.convert import settled, written
from formats.inferred import Column
from formats.numbers import Converted
from formats.rows import Indices, Place, Reject

ROWS = 1 << 18
"""Rows read at a time."""


class ParquetReader:
    """A Parquet file. DataError when it is none. `wanted` are the columns to read, all of them by default."""

    def __init__(self, file: BinaryIO, wanted: list[str] | None = None) -> None:
        try:
            self._file = parquet.ParquetFile(file)
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError([Problem("bad-parquet", f"the file cannot be read as Parquet: {error}")]) from None
        self._wanted = wanted
        self._read = 0

    @property
    def names(self) -> list[str]:
        return [str(name) for name in self._file.schema_arrow.names]

    @property
    def types(self) -> list[pa.DataType]:
        return list(self._file.schema_arrow.types)

    def share(self) -> float:
        total: int = self._file.metadata.num_rows
        return self._read / max(total, 1)

    def chunks(self) -> Iterator[ParquetRows]:
        try:
            for batch in self._file.iter_batches(batch_size=ROWS, columns=self._wanted):
                first, self._read = self._read, self._read + batch.num_rows
                yield ParquetRows(batch, np.arange(first + 1, self._read + 1))
        except (pa.ArrowInvalid, OSError) as error:
            raise DataError([Problem("bad-parquet", f"the file is damaged: {error}")]) from None


class ParquetRows:
    def __init__(self, batch: pa.RecordBatch, numbers: Indices) -> None:
        self._batch = batch
        self._numbers = numbers
        self.rejects: list[Reject] = []

    def __len__(self) -> int:
        return len(self._numbers)

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return int(self._batch.nbytes)

    def cells(self, column: Column, field: Field) -> Converted:
        return self.array(column.name), np.zeros(len(self), dtype=np.bool_)

    def unreadable(self, value: object, field: Field) -> Problem:
        raise ValueError("every Parquet value can be looked at")

    def array(self, name: str) -> pa.Array:
        return settled(self._batch.column(name))

    def texts(self, header: str) -> pa.StringArray:
        return written(self.array(header))

    def select(self, chosen: Indices) -> ParquetRows:
        return ParquetRows(self._batch.take(pa.array(chosen)), self._numbers[chosen])

    def value(self, index: int, column: Column) -> object:
        return self._objects[index].get(column.name)

    def place(self, index: int) -> Place:
        return Place(int(self._numbers[index]))

    def raw(self, index: int) -> str:
        return msgspec.json.encode(self._objects[index], enc_hook=str).decode()

    @cached_property
    def _objects(self) -> list[dict[str, object]]:
        """The rows one by one, for the few that are rejected."""
        objects: list[dict[str, object]] = self._batch.to_pylist()
        return objects
