"""Measurements inside one process of Tamis, each in a process of its own so that memory is its own.

`python -m bench.inside import FILES DATA` and `python -m bench.inside query DATA RUNS` print JSON.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench import completion
from bench.generate import NOW_MS, SCHEMA, SHARES, Files
from bench.machine import memory_of
from bench.questions import THE_QUESTION, Question, questions
from bench.timing import timed, times_of
from engine.directory import Tamis
from engine.results import Ack
from engine.workspace import Workspace
from formats import Batch, Kind, ReadOptions, infer, read

WARM_UP = 20


def batches(path: Path, kind: Kind, workspace: Workspace, event: str | None = None) -> Iterator[Batch]:
    inferred = infer(path, kind, workspace.schema, ReadOptions(event=event))
    return read(path, inferred, workspace.schema)


def import_companies(workspace: Workspace, path: Path) -> Ack:
    return workspace.bulk_contacts(batches(path, Kind.COMPANIES, workspace), companies=True)


def import_contacts(workspace: Workspace, path: Path) -> Ack:
    return workspace.bulk_contacts(batches(path, Kind.CONTACTS, workspace))


def import_events(workspace: Workspace, path: Path, type: str) -> Ack:
    return workspace.bulk_events(batches(path, Kind.EVENTS, workspace, type))


def import_all(files: Files, data: Path) -> dict[str, Any]:
    """Companies from Parquet, contacts from CSV, then each event type from Parquet, into a new directory."""
    tamis = Tamis.open(data)
    workspace = tamis.workspace("default")
    workspace.patch_schema(SCHEMA).result()
    company_seconds, companies = timed(partial(import_companies, workspace, files.companies))
    contact_seconds, contacts = timed(partial(import_contacts, workspace, files.contacts_csv))
    event_seconds, events = 0.0, 0
    for type in SHARES:
        seconds, ack = timed(partial(import_events, workspace, files.events(type), type))
        event_seconds, events = event_seconds + seconds, events + ack.accepted
    memory = memory_of()
    close_seconds, _ = timed(tamis.close)
    return {
        "companies": companies.accepted,
        "companies_seconds": company_seconds,
        "contacts": contacts.accepted,
        "contacts_seconds": contact_seconds,
        "events": events,
        "events_seconds": event_seconds,
        "events_a_second": events / event_seconds,
        "close_seconds": close_seconds,
        "memory": asdict(memory),
        "data_bytes": sum(path.stat().st_size for path in data.rglob("*") if path.is_file()),
    }


def query_all(data: Path, runs: int) -> dict[str, Any]:
    """Start-up, memory, and the time to count questions never asked before (parsing and planning included)."""
    open_seconds, tamis = timed(partial(Tamis.open, data, cache_bytes=0))
    workspace = tamis.workspace("default")
    after_open = memory_of()
    first_seconds, _ = timed(partial(count, workspace, THE_QUESTION))
    asked = list(questions(runs + WARM_UP))
    for question in asked[:WARM_UP]:
        count(workspace, question)
    gc.collect()
    gc.freeze()
    times = times_of(partial(count, workspace, question) for question in asked[WARM_UP:])
    result = {
        "open_seconds": open_seconds,
        "memory_after_open": asdict(after_open),
        "memory_after_queries": asdict(memory_of()),
        "first_ms": first_seconds * 1000,
        "question": asdict(times),
        "completion": completion.measure(workspace),
        "answers": [count(workspace, question) for question in asked[:50]],
    }
    tamis.close()
    return result


def count(workspace: Workspace, question: Question) -> int:
    return workspace.query(question.expression, at=NOW_MS).count().count


def main(arguments: list[str]) -> None:
    match arguments:
        case ["import", files, data]:
            result = import_all(Files(Path(files)), Path(data))
        case ["query", data, runs]:
            result = query_all(Path(data), int(runs))
        case _:
            sys.exit(__doc__)
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
