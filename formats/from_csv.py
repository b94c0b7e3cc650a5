"""CSV: records as RFC 4180 has them, every cell as text, with the row and line of each."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv as arrow_csv

from dsl.problems import DataError, Problem
from dsl.schema import Field
from formats.convert import settled
from formats.inferred import Column, Dialect
from formats.numbers import Converted, Mask
from formats.rows import Indices, Place, Reject
from formats.sources import Utf8Stream, size

BLOCK = 8 << 20
"""Bytes parsed at a time, and so the longest record there can be."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A record without the right number of cells; `position` counts records from 1, blank lines included."""

    position: int
    text: str
    cells: int


class CsvReader:
    """A CSV file whose first record names its columns.

    Raises DataError when the file is no CSV at all: empty, a quote that never closes, a record longer than `BLOCK`.
    """

    def __init__(self, file: BinaryIO, dialect: Dialect) -> None:
        self._size = size(file)
        self._dialect = dialect
        self.header = _header(file, dialect)
        file.seek(0)
        self._stream = Utf8Stream(file, dialect.encoding)
        self._odd: deque[Odd] = deque()
        self._last: CsvRows | None = None

    @property
    def names(self) -> list[str]:
        return [name.strip() for name in _cells(self.header, self._dialect)]

    def share(self) -> float:
        return min(self._stream.position / max(self._size, 1), 1.0)

    def chunks(self) -> Iterator[CsvRows]:
        """Blocks of records, in order. What is odd comes with the block it lies in."""
        names = self.names
        line = _lines(self.header) + 2
        position = row = 0
        for arrays in self._blocks(len(names)):
            odd = self._odd_until(position + len(arrays[0]))
            chunk = CsvRows.of(arrays, odd, names, self._dialect, position, row, line)
            position, row, line = chunk.end
            yield chunk
            self._last = chunk if len(chunk) else self._last
        self._check_closed()

    def _check_closed(self) -> None:
        """A quote never closed makes one cell of the rest of the file, which the parser takes for the last one.

        A cell over several lines is quoted, so a file that ends with one ends with a quote.
        """
        if self._last is not None and self._last.ends_with_lines() and not self._stream.tail.rstrip().endswith(b'"'):
            place = self._last.place(len(self._last) - 1)
            raise DataError([Problem("unclosed_quote", f"{place}: a quote is never closed", path=str(place))])

    def _odd_until(self, last: int) -> list[Odd]:
        """The odd records among, or right behind, records that would end at `last` without them."""
        odd: list[Odd] = []
        while self._odd and self._odd[0].position <= last + len(odd) + 1:
            odd.append(self._odd.popleft())
        return odd

    def _blocks(self, width: int) -> Iterator[list[pa.BinaryArray]]:
        try:
            for batch in self._open(width):
                yield batch.columns
        except UnicodeDecodeError as error:
            raise DataError(
                [Problem("bad_encoding", f"the file is not {self._dialect.encoding}: {error.reason}")]
            ) from None
        except pa.ArrowInvalid as error:
            raise DataError([Problem("bad_csv", f"the file cannot be read as CSV: {error}")]) from None
        if self._odd:
            yield [pa.array([], pa.binary())] * width

    def _open(self, width: int) -> arrow_csv.CSVStreamingReader:
        names = [str(i) for i in range(width)]
        return arrow_csv.open_csv(
            pa.PythonFile(self._stream, mode="r"),
            # One thread parses: only then does the parser number the records it hands to the handler.
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=BLOCK, column_names=names, skip_rows_after_names=1
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=self._dialect.delimiter,
                newlines_in_values=True,
                ignore_empty_lines=False,
                invalid_row_handler=self._set_aside,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.binary()), strings_can_be_null=False
            ),
        )

    def _set_aside(self, record: arrow_csv.InvalidRow) -> str:
        # The parser counts the header as its first record.
        self._odd.append(Odd(record.number - 1, record.text, record.actual_columns))
        return "skip"


class CsvRows:
    """A block of records. Arrays hold bytes until asked for, since a cell may be badly encoded."""

    def __init__(self, arrays: list[pa.BinaryArray], places: Places, rejects: list[Reject], dialect: Dialect) -> None:
        self._arrays = arrays
        self._places = places
        self._dialect = dialect
        self.rejects = rejects

    @classmethod
    def of(
        cls,
        arrays: list[pa.BinaryArray],
        odd: list[Odd],
        names: list[str],
        dialect: Dialect,
        position: int,
        row: int,
        line: int,
    ) -> CsvRows:
        places = Places(arrays, odd, position, row, line)
        rejects = [Reject.of(places.of_odd(k), _width_problem(one, len(names)), one.text) for k, one in enumerate(odd)]
        filled = places.filled
        if not filled.all():
            arrays = [array.filter(pa.array(filled)) for array in arrays]
        return cls(arrays, places, rejects, dialect)

    def __len__(self) -> int:
        return len(self._arrays[0])

    @property
    def end(self) -> tuple[int, int, int]:
        return self._places.end

    def cells(self, column: Column, field: Field) -> Converted:
        texts, bad = as_text(self._arrays[column.number - 1])
        return settled(texts), bad

    def unreadable(self, value: object, field: Field) -> Problem:
        return Problem("bad_encoding", f"'{value}' is not written in {self._dialect.encoding}")

    def texts(self, index: int) -> pa.StringArray:
        """A whole column by its number from 0, what is badly encoded replaced."""
        return settled(as_text(self._arrays[index])[0])

    def ends_with_lines(self) -> bool:
        """Whether the very last cell runs over several lines."""
        return b"\n" in self._arrays[-1][-1].as_py()

    def select(self, chosen: Indices) -> CsvRows:
        arrays = [array.take(pa.array(chosen)) for array in self._arrays]
        return CsvRows(arrays, self._places.select(chosen), [], self._dialect)

    def value(self, index: int, column: Column) -> object:
        cell: bytes = self._arrays[column.number - 1][index].as_py()
        return cell.decode(errors="replace")

    def place(self, index: int) -> Place:
        return self._places.of(index)

    def raw(self, index: int) -> str:
        line = io.StringIO()
        cells = [array[index].as_py().decode(errors="replace") for array in self._arrays]
        csv.writer(line, delimiter=self._dialect.delimiter, lineterminator="").writerow(cells)
        return line.getvalue()


class Places:
    """The rows and lines of a block's records, worked out only when one is asked for.

    The block's records stand at positions `position + 1` onwards; those of odd width are set aside, and blank ones
    (every cell empty) are no rows.
    """

    def __init__(self, arrays: list[pa.BinaryArray], odd: list[Odd], position: int, row: int, line: int) -> None:
        self._arrays = arrays
        self._odd = odd
        self._before = (position, row, line)
        self._chosen: Indices | None = None
        count = len(arrays[0]) + len(odd)
        # Which records, odd ones included, are rows: neither blank nor a blank line of a single cell.
        self._regular = np.ones(count, dtype=np.bool_)
        self._regular[[one.position - position - 1 for one in odd]] = False
        self.filled: Mask = sum((_lengths(array) for array in arrays), start=np.zeros(len(arrays[0]), np.int64)) > 0
        breaks = sum(_breaks_in(array) for array in arrays) + sum(_lines(one.text) for one in odd)
        rows = int(self.filled.sum()) + len(odd)
        self.end = (position + count, row + rows, line + count + breaks)

    def select(self, chosen: Indices) -> Places:
        narrowed = object.__new__(Places)
        narrowed.__dict__.update(self.__dict__)
        narrowed._chosen = chosen if self._chosen is None else self._chosen[chosen]
        return narrowed

    def of(self, index: int) -> Place:
        index = index if self._chosen is None else int(self._chosen[index])
        return self._at(int(np.flatnonzero(self._regular)[np.flatnonzero(self.filled)[index]]))

    def of_odd(self, index: int) -> Place:
        return self._at(self._odd[index].position - self._before[0] - 1)

    def _at(self, offset: int) -> Place:
        rows, breaks = self._counts
        _, row, line = self._before
        return Place(row + int(rows[offset]) + 1, line + offset + int(breaks[offset]))

    @cached_property
    def _counts(self) -> tuple[Indices, Indices]:
        """For each record of the block: rows, and line breaks inside cells, before it."""
        is_row = np.ones(len(self._regular), dtype=np.int64)
        is_row[self._regular] = self.filled
        breaks = np.zeros(len(self._regular), dtype=np.int64)
        breaks[self._regular] = sum(
            pc.count_substring(array, "\n").to_numpy(zero_copy_only=False).astype(np.int64) for array in self._arrays
        )
        breaks[~self._regular] = [_lines(one.text) for one in self._odd]
        return np.cumsum(is_row) - is_row, np.cumsum(breaks) - breaks


def as_text(array: pa.BinaryArray) -> Converted:
    """Bytes as text, and a mask of the cells that are not UTF-8, which are null."""
    try:
        return pc.cast(array, pa.string()), np.zeros(len(array), dtype=np.bool_)
    except pa.ArrowInvalid:
        cells = [_decoded(cell) for cell in array.to_pylist()]
        return pa.array(cells, pa.string()), np.array([cell is None for cell in cells], dtype=np.bool_)


def _decoded(cell: bytes) -> str | None:
    try:
        return cell.decode()
    except UnicodeDecodeError:
        return None


def _width_problem(record: Odd, width: int) -> Problem:
    fewer = record.cells < width
    code = "too_few_columns" if fewer else "too_many_columns"
    return Problem(code, f"{record.cells} columns where the header has {width}", "is a quote or a delimiter misplaced?")


def _header(file: BinaryIO, dialect: Dialect) -> str:
    """The first record as written, without its end; it may run over several lines."""
    file.seek(0)
    text = Utf8Stream(file, dialect.encoding).read(BLOCK).decode(errors="replace")
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=dialect.delimiter)
    if not next(reader, []):
        raise DataError([Problem("empty_file", "the file has no header line")])
    return text[: lines.tell()].rstrip("\r\n")


def _cells(record: str, dialect: Dialect) -> list[str]:
    return next(csv.reader(io.StringIO(record, newline=""), delimiter=dialect.delimiter))


def _lines(text: str) -> int:
    """Line breaks inside a record; the parser may leave the one at its end."""
    return text.rstrip("\r\n").count("\n")


def _lengths(array: pa.BinaryArray) -> Indices:
    lengths: Indices = np.diff(_offsets(array))
    return lengths


def _breaks_in(array: pa.BinaryArray) -> int:
    offsets = _offsets(array)
    data = np.frombuffer(array.buffers()[2] or b"", dtype=np.uint8)[offsets[0] : offsets[-1]]
    return int(np.count_nonzero(data == ord("\n")))


def _offsets(array: pa.BinaryArray) -> Indices:
    buffer = array.buffers()[1]
    if buffer is None or not len(array):
        return np.zeros(1, dtype=np.int64)
    return np.frombuffer(buffer, dtype=np.int32)[array.offset : array.offset + len(array) + 1].astype(np.int64)
