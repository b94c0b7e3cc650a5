"""A copy of the data directory for modes that write, so that the others all find the same."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.course import Course
from bench.peers.tamis import ready_directory


@contextmanager
def copied(course: Course) -> Iterator[Path]:
    """Gone afterwards."""
    original = ready_directory(course.files, course.folder)
    copy = course.folder / "tamis.copy"
    shutil.rmtree(copy, ignore_errors=True)
    shutil.copytree(original, copy)
    try:
        yield copy
    finally:
        shutil.rmtree(copy)
