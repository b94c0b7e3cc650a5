"""What the modes found that is no query: a line for each, for the page and the README."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from statistics import median
from typing import Any

from bench.estimates import FAR_OFF, factor
from bench.ratios import Run
from bench.telling import duration, rate, ratio, size


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
        told = f"{rate(each['rate'])} from {each['connections']} connections, {times(each['times'])}"
        yield f"counts with {workers} worker(s), as many as go", told
        yield f"processor time of each, {workers} worker(s)", processor_time(each)
    yield from scaling(found)


def scaling(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The client takes part of the cores: with it, and what two workers would do had each a core of its own."""
    if {"1", "2"} <= found.keys():
        own = 2 * a_serving_second(found["2"]) / a_serving_second(found["1"])
        yield "2 workers against 1, counts a second", f"{found['2']['rate'] / found['1']['rate']:.2f}×"
        yield "the same by what a second of processor time serves, so without the client's share", f"{own:.2f}×"


def processor_time(found: Mapping[str, Any]) -> str:
    """Of one count, and how many cores client and servers kept busy, which share those of the machine."""
    server, client = found["server_ms_each"], found["client_ms_each"]
    busy, beside = (each * found["rate"] / 1000 for each in (server, client))
    return (
        f"{duration(server)} of the servers, {duration(client)} of the client, which keep {busy:.2f} and {beside:.2f} "
        f"cores busy; {a_serving_second(found):,.0f} counts for a second of the servers'"
    )


def a_serving_second(found: Mapping[str, Any]) -> float:
    """Counts for each second of processor time that all processes of the server spend."""
    return 1000 / float(found["server_ms_each"])


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


def estimated(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    off = [factor(each) for each in found["costs"]]
    far = sum(each > FAR_OFF for each in off)
    yield (
        f"what {len(off)} kinds of questions are estimated to cost, against what they do",
        f"within {ratio(median(off))} in the median; {far} more than {ratio(FAR_OFF)} off",
    )
    yield "the longest work without a look at its deadline", duration(found["unchecked"])


def first_asked(found: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """What is made at a first question, and kept."""
    first = [each for each in found["queries"] if "first_ms" in each]
    if first:
        slowest = max(first, key=lambda each: float(each["first_ms"]))
        what = f"the slowest of the first counts of a query, in process: {slowest['family']}, {slowest['name']}"
        yield what, duration(slowest["first_ms"])


def times(found: Mapping[str, float]) -> str:
    return f"p50 {duration(found['p50'])}, p99 {duration(found['p99'])}"


TOLD = {
    "import": imported,
    "startup": started,
    "memory": held,
    "inprocess": first_asked,
    "http": over_http,
    "reading": read,
    "membership": belonging,
    "openloop": under_load,
    "workers": shared,
    "mixed": at_once,
    "ingest": added,
    "completion": completed,
    "costs": estimated,
}
"""By mode."""
