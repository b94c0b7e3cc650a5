"""The bulk path: batches of typed columns into changes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.changes import AddEvents, ContactRow, EventColumns, UpsertCompanies, UpsertContacts
from engine.results import Ack
from engine.writer import Writer
from formats.batch import Batch


def import_contacts(writer: Writer, batches: Iterable[Batch], companies: bool, at: int) -> Ack:
    """Upsert every row of `batches`."""
    rows = [row for batch in list(batches) for row in _rows(batch)]
    change = UpsertCompanies(at, rows) if companies else UpsertContacts(at, rows)
    return writer.submit(change, _ack).result()


def import_events(writer: Writer, batches: Iterable[Batch], at: int) -> Ack:
    """Add every event of `batches`."""
    change = AddEvents(at, [_columns(batch, at) for batch in list(batches)])
    return writer.submit(change, _ack).result()


def _rows(batch: Batch) -> list[ContactRow]:
    columns = {name: array.to_pylist() for name, array in batch.columns.items()}
    companies = [None] * len(batch) if batch.company is None else batch.company.to_pylist()
    return [
        ContactRow(id, {name: v[i] for name, v in columns.items() if v[i] is not None}, companies[i])
        for i, id in enumerate(batch.keys.to_pylist())
    ]


def _columns(batch: Batch, at: int) -> EventColumns:
    moments = [at] * len(batch) if batch.at is None else batch.at.tolist()
    ids = None if batch.ids is None else batch.ids.to_pylist()
    properties = {name: array.to_pylist() for name, array in batch.columns.items()}
    return EventColumns(batch.event or "", batch.keys.to_pylist(), moments, ids, properties)


def _ack(applied: Any, seq: int) -> Ack:
    return Ack(applied.accepted, seq, applied.duplicates)
