"""The ways of measuring, one a file, each in a process of its own: what one breaks or fills, no other meets."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from bench.course import Course, Result
from bench.modes import (
    completion,
    costs,
    http,
    importing,
    ingest,
    inprocess,
    membership,
    memory,
    mixed,
    openloop,
    profile,
    reading,
    startup,
    workers,
)

Measure = Callable[[Course, Result], Iterator[tuple[str, Result]]]
"""From what is to be measured and what other modes have found: lines for people, each with all that is found so far."""

MODES: Mapping[str, Measure] = {
    "import": importing.measure,
    "startup": startup.measure,
    "inprocess": inprocess.measure,
    "profile": profile.measure,
    "http": http.measure,
    "reading": reading.measure,
    "membership": membership.measure,
    "memory": memory.measure,
    "openloop": openloop.measure,
    "workers": workers.measure,
    "mixed": mixed.measure,
    "ingest": ingest.measure,
    "completion": completion.measure,
    "costs": costs.measure,
}
"""By name, in the order in which they run."""
