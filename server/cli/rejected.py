"""Rows of a file on their way in, and what becomes of the bad ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from dsl.schema import Schema
from formats.batch import Batch
from formats.inferred import Inferred
from formats.reading import Progress, read
from formats.rejects import RejectsFile
from formats.rows import Reject
from server.cli.backend import Imported, Importing, Watch
from server.importing import GOING_ON, PROBLEMS_KEPT, RowProblem


class Rejected:
    """The first bad rows, how many there were, and all of them in a file where one was named."""

    def __init__(self, path: Path | None) -> None:
        self.progress = Progress()
        self.first: list[RowProblem] = []
        self._file = None if path is None else RejectsFile(path)
        self._open = ExitStack()

    def __enter__(self) -> Self:
        if self._file is not None:
            self._open.enter_context(self._file)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def add(self, reject: Reject) -> None:
        if len(self.first) < PROBLEMS_KEPT:
            self.first.append(RowProblem.of(reject))
        if self._file is not None:
            self._file(reject)

    def imported(self, accepted: int, duplicates: int = 0, seq: int | None = None) -> Imported:
        """What became of all rows."""
        read = self.progress
        return Imported(accepted, read.rejected, duplicates, seq, tuple(self.first), read.read, read.reasons)


def rows_of(asked: Importing, inferred: Inferred, schema: Schema, rejected: Rejected, watch: Watch) -> Iterator[Batch]:
    """The batches of the file that is imported."""

    def note(progress: Progress) -> None:
        rejected.progress = progress
        watch("importing", progress.share)

    return read(
        asked.file,
        inferred,
        schema,
        on_error=asked.on_error,
        advice=GOING_ON,
        rejects=rejected.add,
        progress=note,
    )
