"""CSV: records as RFC 4180 has them, every cell as text, with the row and line of each."""

from __future__ import annotations

import csv
import io
from collections import deque
from collections.abc import Iterator
from copy import copy
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
from formats.numbers import Converted, Mask, mask_of, without
from formats.rows import Indices, Place, Reject
from formats.sources import BROKEN, Utf8Stream, size

BLOCK = 8 << 20
"""Bytes parsed at a time, and so the longest record there can be."""
HEADER = 1 << 20
"""Bytes a header may have."""


@dataclass(frozen=True, slots=True)
class Odd:
    """A record without the right number of cells; `position` counts records from 1, blank lines included."""

    position: int
    text: str
    cells: int


@dataclass(frozen=True, slots=True)
class Start:
    """Where a block begins: the records and the rows before it, and its first line, from 1."""

    position: int
    row: int
    line: int


class CsvReader:
    """A CSV file whose first record names its columns, or whose columns are called `names`.

    Raises DataError when the file is no CSV at all: empty, a quote that never closes, a record longer than `BLOCK`.
    """

    def __init__(self, file: BinaryIO, dialect: Dialect, names: list[str] | None = None) -> None:
        self._size = size(file)
        self._dialect = dialect
        self._header = _header(file, dialect)
        self.first = [name.strip() for name in _cells(self._header, dialect)]
        self._names = names
        file.seek(0)
        self._stream = Utf8Stream(file, dialect.encoding)
        self._odd: deque[Odd] = deque()
        self._last: CsvRows | None = None

    @property
    def names(self) -> list[str]:
        """The columns. DataError when those given are not as many as the file has."""
        if self._names is None:
            return self.first
        if len(self._names) != len(self.first):
            message = f"{len(self._names)} columns are named where the file has {len(self.first)}"
            raise DataError([Problem("bad-option", message)])
        return self._names

    def share(self) -> float:
        return min(self._stream.position / max(self._size, 1), 1.0)

    def chunks(self) -> Iterator[CsvRows]:
        """Blocks of records, in order. What is odd comes with the block it lies in."""
        width = len(self.names)
        start = Start(0, 0, 1 if self._names is not None else _lines(self._header) + 2)
        for arrays in self._blocks(width):
            places = Places(arrays, self._odd_until(start.position + len(arrays[0])), start)
            filled = places.filled
            rows = arrays if filled.all() else [array.filter(pa.array(filled)) for array in arrays]
            rejects = places.odd_rejects(width)
            chunk = CsvRows(self.names, rows, places, rejects, self._dialect, damaged=self._stream.damaged)
            yield chunk
            start = places.end
            self._last = chunk if len(chunk) else self._last
        self._check_closed()

    def _check_closed(self) -> None:
        """A quote never closed makes one cell of the rest of the file, which the parser takes for the last one.

        A cell over several lines is quoted, so a file that ends with one ends with a quote.
        """
        if self._last is not None and self._last.ends_with_lines() and not self._stream.tail.rstrip().endswith(b'"'):
            place = self._last.place(len(self._last) - 1)
            raise DataError([Problem("unclosed-quote", f"{place}: a quote is never closed", path=str(place))])

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
        except pa.ArrowInvalid as error:
            raise DataError([Problem("bad-csv", f"the file cannot be read as CSV: {error}")]) from None
        finally:
            # The parser's thread reads ahead, and may begin another read after the parser itself is dropped.
            self._stream.close()
        if self._odd:
            yield [pa.array([], pa.binary())] * width

    def _open(self, width: int) -> arrow_csv.CSVStreamingReader:
        names = [str(i) for i in range(width)]
        return arrow_csv.open_csv(
            pa.PythonFile(self._stream, mode="r"),
            # One thread parses: only then does the parser number the records it hands to the handler.
            read_options=arrow_csv.ReadOptions(
                use_threads=False, block_size=BLOCK, column_names=names, skip_rows_after_names=self._skipped
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

    @property
    def _skipped(self) -> int:
        """Records before the first row."""
        return 1 if self._names is None else 0

    def _set_aside(self, record: arrow_csv.InvalidRow) -> str:
        # The parser counts the header as its first record.
        self._odd.append(Odd(record.number - self._skipped, record.text, record.actual_columns))
        return "skip"


class CsvRows:
    """A block of records, whose cells are the bytes of UTF-8 text."""

    def __init__(
        self,
        names: list[str],
        arrays: list[pa.BinaryArray],
        places: Places,
        rejects: list[Reject],
        dialect: Dialect,
        *,
        damaged: bool,
    ) -> None:
        self._damaged = damaged
        self._names = names
        self._arrays = arrays
        self._places = places
        self._dialect = dialect
        self.rejects = rejects

    def __len__(self) -> int:
        return len(self._arrays[0])

    def cells(self, column: Column, field: Field) -> Converted:
        texts, bad = as_text(self._arrays[column.number - 1], damaged=self._damaged)
        return settled(texts), bad

    def unreadable(self, value: object, field: Field) -> Problem:
        return Problem("bad-encoding", f"'{value}' is not written in {self._dialect.encoding}")

    def texts(self, header: str) -> pa.StringArray:
        return self.column(self._names.index(header))

    def column(self, index: int) -> pa.StringArray:
        """A whole column by its number from 0, without what is broken."""
        return settled(as_text(self._arrays[index], damaged=self._damaged)[0])

    def ends_with_lines(self) -> bool:
        """Whether the very last cell runs over several lines."""
        return b"\n" in self._arrays[-1][-1].as_py()

    def select(self, chosen: Indices) -> CsvRows:
        arrays = [array.take(pa.array(chosen)) for array in self._arrays]
        return CsvRows(self._names, arrays, self._places.select(chosen), [], self._dialect, damaged=self._damaged)

    def value(self, index: int, column: Column) -> object:
        return self._cells[index][column.number - 1]

    def place(self, index: int) -> Place:
        return self._places.of(index)

    def raw(self, index: int) -> str:
        line = io.StringIO()
        csv.writer(line, delimiter=self._dialect.delimiter, lineterminator="").writerow(self._cells[index])
        return line.getvalue()

    @cached_property
    def _cells(self) -> list[list[str]]:
        """The rows one by one, for the few that are rejected."""
        columns = (array.to_pylist() for array in self._arrays)
        return [[shown(cell) for cell in row] for row in zip(*columns, strict=True)]


class Places:
    """The rows and lines of a block's records, worked out only when one is asked for.

    The block's records stand at positions `start.position + 1` onwards; odd ones are set aside, and blank ones
    (every cell empty) are no rows.
    """

    def __init__(self, arrays: list[pa.BinaryArray], odd: list[Odd], start: Start) -> None:
        self._arrays = arrays
        self._odd = odd
        self._start = start
        self._chosen: Indices | None = None
        count = len(arrays[0]) + len(odd)
        # Which records, odd ones included, are rows: neither blank nor a blank line of a single cell.
        self._regular = np.ones(count, dtype=np.bool_)
        self._regular[[one.position - start.position - 1 for one in odd]] = False
        self.filled: Mask = sum((_lengths(array) for array in arrays), start=np.zeros(len(arrays[0]), np.int64)) > 0
        breaks = sum(_breaks_in(array) for array in arrays) + sum(_lines(one.text) for one in odd)
        rows = int(self.filled.sum()) + len(odd)
        self.end = Start(start.position + count, start.row + rows, start.line + count + breaks)

    def select(self, chosen: Indices) -> Places:
        narrowed = copy(self)
        narrowed._chosen = chosen if self._chosen is None else self._chosen[chosen]
        return narrowed

    def of(self, index: int) -> Place:
        index = index if self._chosen is None else int(self._chosen[index])
        return self._at(int(self._rows[index]))

    @cached_property
    def _rows(self) -> Indices:
        """Where each row stands among the block's records, from 0."""
        return np.flatnonzero(self._regular)[np.flatnonzero(self.filled)]

    def odd_rejects(self, width: int) -> list[Reject]:
        """The rejects of the records that have not `width` cells."""
        return [
            Reject.of(
                self._at(one.position - self._start.position - 1),
                _width_problem(one, width),
                one.text.replace(BROKEN, "\ufffd"),
            )
            for one in self._odd
        ]

    def _at(self, offset: int) -> Place:
        rows, breaks = self._counts
        return Place(self._start.row + int(rows[offset]) + 1, self._start.line + offset + int(breaks[offset]))

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


def as_text(array: pa.BinaryArray, *, damaged: bool) -> Converted:
    """Bytes as text, and a mask of the cells that are broken, which are null; none are unless the file is `damaged`."""
    texts = pc.cast(array, pa.string())
    if not damaged:
        return texts, np.zeros(len(array), dtype=np.bool_)
    broken = mask_of(pc.match_substring(texts, BROKEN))
    return without(texts, broken), broken


def shown(cell: bytes) -> str:
    """A cell for people to read: what is broken by the usual sign."""
    return cell.decode().replace(BROKEN, "\ufffd")


def _width_problem(record: Odd, width: int) -> Problem:
    fewer = record.cells < width
    code = "too-few-columns" if fewer else "too-many-columns"
    return Problem(code, f"{record.cells} columns where the header has {width}", "is a quote or a delimiter misplaced?")


def _header(file: BinaryIO, dialect: Dialect) -> str:
    """The first record as written, without its end; it may run over several lines."""
    file.seek(0)
    text = Utf8Stream(file, dialect.encoding).read(HEADER).decode(errors="ignore").replace(BROKEN, "\ufffd")
    lines = io.StringIO(text, newline="")
    reader = csv.reader(lines, delimiter=dialect.delimiter)
    if not next(reader, []):
        raise DataError([Problem("empty-file", "the file has no header line")])
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
