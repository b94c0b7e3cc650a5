"""The bulk path: files of any size become blocks first, then one record that names them. All rows, or none.

Blocks are built on the caller's thread, while others read and write; the writer then attaches them in one change.
Whatever stops an import before its record is durable leaves nothing behind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future

from dsl.problems import DataError, Problem
from engine.changes import BulkContacts, Change
from engine.results import Ack
from engine.tables.bulk_contacts import stage_contacts
from engine.tables.bulk_events import EventImport, UnknownContacts
from engine.tables.state import TablesVersion
from formats.batch import Batch
from storage import BlockRef, Blocks

Submit = Callable[[Change], Future[Ack]]


def import_contacts(blocks: Blocks, submit: Submit, batches: Iterable[Batch], companies: bool, at: int) -> Ack | None:
    """Upsert every row of `batches`; None when there is none. `at` is the time of receipt, in milliseconds."""
    staged: list[BlockRef] = []
    try:
        for ref in stage_contacts(batches, blocks):
            staged.append(ref)  # noqa: PERF402 - what is staged when a batch raises has to be discarded
        if not staged:
            return None
        return submit(BulkContacts(at, companies, [ref.name for ref in staged])).result()
    except BaseException:
        _discard(blocks, staged)
        raise


def import_events(
    version: TablesVersion, blocks: Blocks, submit: Submit, batches: Iterable[Batch], create_contacts: bool, at: int
) -> Ack | None:
    """Add every event of `batches`; None when there is none. DataError names contacts that must exist and do not."""
    building = EventImport(version, blocks, at, create_contacts=create_contacts)
    try:
        for batch in batches:
            building.add(batch)
        return submit(building.finish()).result() if building.rows else None
    except UnknownContacts as unknown:
        building.discard()
        hint = "import the contacts first, or let events create contacts"
        raise DataError([Problem("unknown-contact", str(unknown), hint)]) from None
    except BaseException:
        building.discard()
        raise


def _discard(blocks: Blocks, refs: list[BlockRef]) -> None:
    """Remove blocks that no record names."""
    blocks.discard([ref.name for ref in refs])
