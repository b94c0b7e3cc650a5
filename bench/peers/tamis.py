"""Tamis in process, its caches off."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.generate import NOW_MS, Files
from bench.machine import revision
from bench.peers import Failed, TooLong
from bench.workload import Ask, segments
from bench.workload import Query as Question
from dsl.problems import ExpressionError
from engine.deadline import Deadline, DeadlineExceeded, kept
from engine.directory import Tamis
from engine.query import Query
from engine.tables import making
from engine.workspace import Workspace


class InProcess:
    def __init__(self, tamis: Tamis) -> None:
        self._tamis = tamis
        self._workspace = tamis.workspace("default")
        self._asked = 0
        self._limit_ms: float | None = None

    @classmethod
    def open(cls, files: Files, folder: Path) -> InProcess:
        return cls(Tamis.open(ready_directory(files, folder), cache_bytes=0))

    @property
    def version(self) -> str:
        return revision()

    def knows(self, query: Question) -> bool:
        return True

    def limit(self, seconds: float) -> None:
        self._limit_ms = seconds * 1000

    def count(self, ask: Ask) -> int:
        return self.answer(self.prepare(ask))

    def prepare(self, ask: Ask) -> Query:
        """Read, checked and planned. The text is one never seen, by its comment where not by its constants."""
        self._asked += 1
        try:
            return self._workspace.query(f"{ask.expression} # {self._asked}", at=NOW_MS)
        except ExpressionError as error:
            raise Failed(str(error)) from None

    def answer(self, query: Query) -> int:
        try:
            with kept(Deadline(self._limit_ms)):
                return query.count().count
        except DeadlineExceeded as error:
            raise TooLong(str(error)) from None

    def settle(self) -> None:
        """Wait until what first questions had it make in the background is made."""
        making.wait()

    def close(self) -> None:
        self._tamis.close()


def ready_directory(files: Files, folder: Path) -> Path:
    """The data directory of these files with the segments of the workloads, imported unless it is there already, by a
    process of its own, so that no memory of that is left in this one."""
    data = folder / "tamis"
    if not data.exists():
        unfinished = data.with_suffix(".loading")
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [sys.executable, "-m", "bench.importing", str(files.folder), str(unfinished)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        unfinished.rename(data)
    tamis = Tamis.open(data)
    save_segments(tamis.workspace("default"))
    tamis.close()
    return data


def save_segments(workspace: Workspace) -> None:
    for segment in segments():
        workspace.put_segment(segment.key, {"name": segment.name, "expression": segment.expression}).result()
