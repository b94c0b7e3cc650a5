"""Reading a file into batches, in constant memory, with every bad row named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import BinaryIO

from dsl.problems import DataError, Problem
from dsl.schema import Schema
from formats.batch import Batch
from formats.from_csv import CsvReader
from formats.from_ndjson import NdjsonReader
from formats.from_parquet import ParquetReader
from formats.inferred import Inferred
from formats.media import Format
from formats.rows import OnError, Reader, Reject
from formats.shaping import Shape
from formats.sources import Source, opened


@dataclass(frozen=True, slots=True)
class Reason:
    """Why rows were rejected: the code of what is wrong with them, in which column, and how many they are."""

    code: str
    column: str | None
    rows: int


@dataclass(frozen=True, slots=True)
class Progress:
    """Rows so far, and the share (0..1) of the file they make. `reasons` add up to those rejected."""

    read: int = 0
    accepted: int = 0
    rejected: int = 0
    share: float = 0.0
    reasons: tuple[Reason, ...] = ()


class _Tally:
    """Counts rows as they go by."""

    def __init__(self) -> None:
        self._accepted = 0
        self._reasons: Counter[tuple[str, str | None]] = Counter()

    def add(self, batches: list[Batch], bad: list[Reject]) -> None:
        self._accepted += sum(map(len, batches))
        self._reasons.update((reject.problem.code, reject.column) for reject in bad)

    def progress(self, share: float) -> Progress:
        reasons = tuple(Reason(code, column, rows) for (code, column), rows in self._reasons.most_common())
        rejected = self._reasons.total()
        return Progress(self._accepted + rejected, self._accepted, rejected, share, reasons)


class Cancelled(Exception):
    """The reading was asked to end."""


def read(
    source: Source,
    inferred: Inferred,
    schema: Schema,
    *,
    on_error: OnError = OnError.STOP,
    advice: str | None = None,
    rejects: Callable[[Reject], None] | None = None,
    progress: Callable[[Progress], None] | None = None,
    cancelled: Callable[[], bool] | None = None,
) -> Iterator[Batch]:
    """The batches of a file, in its order, typed by `schema` and by what `inferred` adds to it.

    `rejects` is told of every bad row; with `OnError.STOP` the first one raises DataError, naming row, line and column;
    its hint ends with `advice`.
    `progress` is told after each chunk (some MiB); `cancelled` is asked before each, and raises Cancelled.
    DataError at once when `inferred` has problems or the file's columns are not those inferred.
    """
    if inferred.problems:
        raise DataError(inferred.problems)
    with opened(source) as file:
        reader = _reader(file, inferred)
        shape = Shape.of(inferred, schema)
        tally = _Tally()
        for rows in reader.chunks():
            if cancelled is not None and cancelled():
                raise Cancelled
            batches, bad = shape.batches(rows)
            _report(bad, on_error, advice, rejects)
            tally.add(batches, bad)
            yield from batches
            if progress is not None:
                progress(tally.progress(reader.share()))


def _report(bad: list[Reject], on_error: OnError, advice: str | None, rejects: Callable[[Reject], None] | None) -> None:
    told = bad[:1] if on_error is OnError.STOP else bad
    for reject in told if rejects is not None else ():
        assert rejects is not None
        rejects(reject)
    if told and on_error is OnError.STOP:
        raise told[0].error(advice)


def _reader(file: BinaryIO, inferred: Inferred) -> Reader:
    names = [column.name for column in inferred.columns]
    match inferred.format:
        case Format.CSV:
            reader: Reader = CsvReader(file, inferred.dialect, None if inferred.dialect.header else names)
        case Format.NDJSON:
            return NdjsonReader(file, inferred.dialect, names)
        case Format.PARQUET:
            reader = ParquetReader(file, inferred.read())
        case _:
            raise ValueError(f"{inferred.format} is not read")
    if reader.names != names:
        raise DataError([Problem("other-columns", "the file's columns are not those that were inferred")])
    return reader
