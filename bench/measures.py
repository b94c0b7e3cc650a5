"""What the modes found that is no query: a line for each, for the page and the README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from bench.ratios import Run
from bench.telling import duration, rate, size


def rows(run: Run) -> Iterator[tuple[str, str]]:
    """(what, measured), of the modes that were run."""
    for mode, told in TOLD.items():
        if mode in run and mode not in run["failed"]:
            yield from told(run[mode])


def imported(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield f"import {found['contacts']:,} contacts from CSV", duration(found["contacts_seconds"] * 1000)
    yield f"import {found['events']:,} events from Parquet", rate(found["events_a_second"])
    yield "the data directory", size(found["data_bytes"])
    yield "memory while importing, at most", size(found["memory"]["peak"])


def started(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "open the data directory", duration(found["open"]["p50"])
    yield "start the server, until it takes requests", duration(found["serve"]["p50"])


def held(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    memory = found["serving"]
    yield "memory of the server after every query", f"{size(memory['resident'])}, {size(memory['mapped'])} of it mapped"


def over_http(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "a route that answers a constant", times(found["floor"])
    yield "a count asked before, over HTTP", times(found["again"])


def read(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "an expression never seen: read, checked and planned", times(found["never_seen"])
    yield "the same, and none was written in its shape before", times(found["new_shape"])
    yield "an expression seen before", times(found["seen_before"])
    yield "a count asked before, in process", times(found["repeated_count"])


def belonging(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield f"in which of {found['segments']} segments a contact is", times(found["plain"])
    yield "the same, plans remembered", times(found["remembering"])


def under_load(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "counts kept up, everyday questions", rate(found["everyday"]["most"])
    yield "counts kept up, every query in turn", rate(found["every"]["most"])


def shared(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for workers, each in found.items():
        of = f"{duration(each['server_ms_each'])} of the server, {duration(each['client_ms_each'])} of the client"
        yield f"counts with {workers} worker(s), as many as go", f"{rate(each['rate'])}; processor time each: {of}"


def at_once(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for workers, each in found.items():
        yield f"500 counts/s alone, {workers} worker(s)", times(each["alone"]["times"])
        yield f"500 counts/s while events are added, {workers} worker(s)", times(each["counts"]["times"])
        yield f"durable events added meanwhile, {workers} worker(s)", rate(each["events"]["done_a_second"])


def added(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in found.values():
        what = f"durable events over HTTP, {each['batch']:,} a request, {each['connections']} connections"
        yield what, f"{rate(each['events_a_second'])}; {times(each['times'])}"


def completed(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield "completion at each keystroke", times(found["again"])


def times(found: Mapping[str, float]) -> str:
    return f"p50 {duration(found['p50'])}, p99 {duration(found['p99'])}"


TOLD = {
    "import": imported,
    "startup": started,
    "memory": held,
    "http": over_http,
    "reading": read,
    "membership": belonging,
    "openloop": under_load,
    "workers": shared,
    "mixed": at_once,
    "ingest": added,
    "completion": completed,
}
"""By mode."""
