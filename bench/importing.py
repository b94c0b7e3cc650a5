"""The generated files into a new data directory of Tamis: `python -m bench.importing FILES DATA`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

from bench.generate import SCHEMA, SHARES, Files
from bench.machine import memory_of
from bench.timing import timed
from engine.directory import Tamis
from engine.results import Ack
from engine.workspace import Workspace
from formats import Batch, Kind, ReadOptions, infer, read


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


def main(arguments: list[str]) -> None:
    match arguments:
        case [files, data]:
            import_all(Files(Path(files)), Path(data))
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    main(sys.argv[1:])
