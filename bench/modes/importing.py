"""Contacts from CSV and events from Parquet into a new data directory, which the other modes then ask."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from bench.course import Course, Result
from bench.importing import import_all
from bench.telling import rate, size


def measure(course: Course, so_far: Result) -> Iterator[tuple[str, Result]]:
    data = course.folder / "tamis"
    unfinished = data.with_suffix(".loading")
    shutil.rmtree(unfinished, ignore_errors=True)
    result = import_all(course.files, unfinished)
    shutil.rmtree(data, ignore_errors=True)
    unfinished.rename(data)
    yield line(result), result


def line(found: Result) -> str:
    contacts, seconds = found["contacts"], found["contacts_seconds"]
    return (
        f"{contacts:,} contacts from CSV in {seconds:.2f} s; {found['events']:,} events from Parquet, "
        f"{rate(found['events_a_second'])}; peak {size(found['memory']['peak'])}, on disk {size(found['data_bytes'])}"
    )
