"""Tamis in process, its caches off."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from bench.generate import NOW_MS, Files
from bench.machine import revision
from bench.workload import Ask, Query, segments
from engine.directory import Tamis
from engine.workspace import Workspace


class InProcess:
    def __init__(self, tamis: Tamis) -> None:
        self._tamis = tamis
        self._workspace = tamis.workspace("default")
        self._asked = 0

    @classmethod
    def open(cls, files: Files, folder: Path) -> InProcess:
        """Imported by a process of its own, so that no memory of that is left in this one."""
        tamis = Tamis.open(imported(files, folder / "tamis"), cache_bytes=0)
        save_segments(tamis.workspace("default"))
        return cls(tamis)

    @property
    def version(self) -> str:
        return revision()

    def knows(self, query: Query) -> bool:
        return True

    def count(self, ask: Ask) -> int:
        """The text is one never seen, by its comment where not by its constants, so that it is parsed each time."""
        self._asked += 1
        text = f"{ask.expression} # {self._asked}"
        return self._workspace.query(text, at=NOW_MS).count().count

    def close(self) -> None:
        self._tamis.close()


def imported(files: Files, data: Path) -> Path:
    """The data directory of these files, made unless it is there already."""
    if not data.exists():
        unfinished = data.with_suffix(".loading")
        shutil.rmtree(unfinished, ignore_errors=True)
        command = [sys.executable, "-m", "bench.inside", "import", str(files.folder), str(unfinished)]
        subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
        unfinished.rename(data)
    return data


def save_segments(workspace: Workspace) -> None:
    for segment in segments():
        workspace.put_segment(segment.key, {"name": segment.name, "expression": segment.expression}).result()
