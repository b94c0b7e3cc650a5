"""A file of rejects: every row that was not taken, why, and the row itself."""

from __future__ import annotations

import csv
from pathlib import Path
from types import TracebackType
from typing import Self, TextIO

from formats.rows import Reject

HEADER = ("row", "line", "column", "value", "code", "message", "raw")


class RejectsFile:
    """A CSV file of rejects, made when the first one comes; to be given to `read` as `rejects`, within a `with`.

    `raw` holds the row in the format of its file. No file is left when there were none.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.count = 0
        self._file: TextIO | None = None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file is not None:
            self._file.close()

    def __call__(self, reject: Reject) -> None:
        if self._file is None:
            self._file = self.path.open("w", encoding="utf-8", newline="")
            csv.writer(self._file).writerow(HEADER)
        why = reject.problem
        cells = (reject.row, reject.line, reject.column, reject.value, why.code, why.message, reject.raw)
        csv.writer(self._file).writerow(cells)
        self.count += 1
