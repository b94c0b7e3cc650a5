"""Bulk imports of contacts and companies: rows staged in blocks, then merged into columns all at once."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from engine.bitmaps import from_rows, to_array
from engine.changes import BulkContacts
from engine.tables.entities import EntityTable
from engine.tables.joining import from_arrow
from engine.tables.links import COMPANY
from engine.tables.loose import LooseNumbers
from engine.tables.state import Applied, State
from formats.batch import Batch
from storage import Array, BlockRef, Blocks, MappedBlocks

STAGED_ROWS = 1 << 17


def stage_contacts(batches: Iterable[Batch], blocks: Blocks) -> Iterator[BlockRef]:
    """Write the rows of `batches` into blocks, in order, one as it is asked for; a `BulkContacts` names them."""
    return (_staged(group, blocks) for group in _grouped(batches))


def _grouped(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Consecutive batches with the same columns, so many that a block has about `STAGED_ROWS` rows."""
    group: list[Batch] = []
    for batch in batches:
        full = sum(len(each.keys) for each in group) >= STAGED_ROWS
        if group and (full or _shape(group[0]) != _shape(batch)):
            yield group
            group = []
        if len(batch.keys):
            group.append(batch)
    if group:
        yield group


def _shape(batch: Batch) -> tuple[bool, list[str]]:
    return batch.company is not None, list(batch.columns)


def _staged(group: list[Batch], blocks: Blocks) -> BlockRef:
    names = list(group[0].columns)
    arrays: dict[str, Array] = {"keys": pa.concat_arrays([batch.keys for batch in group])}
    if group[0].company is not None:
        arrays["company"] = pa.concat_arrays([batch.company for batch in group])
    for number, name in enumerate(names):
        arrays[f"column{number}"] = pa.concat_arrays([batch.columns[name] for batch in group])
    return blocks.write("staged", arrays, {"columns": json.dumps(names)})


def apply_bulk_contacts(state: State, change: BulkContacts, seq: int, blocks: MappedBlocks) -> Applied:
    """Upsert staged rows, column by column. Of several rows for one id, later ones hold field by field."""
    table = state.companies if change.companies else state.contacts
    opened = [blocks.open(name) for name in change.blocks]
    before, new_companies = table.ids.size, state.companies.ids.size
    keys = [pa.array(block.arrays["keys"]) for block in opened]
    all_keys = pa.concat_arrays(keys)
    all_rows = table.ids.allot_all(all_keys) if change.companies else state.many_contact_rows(all_keys, change.at)
    rows = np.split(all_rows, np.cumsum([len(each) for each in keys])[:-1])
    given: dict[str, list[tuple[NDArray[np.uint32], pa.Array]]] = {}
    for block, block_rows in zip(opened, rows, strict=True):
        for number, name in enumerate(json.loads(block.metadata["columns"])):
            given.setdefault(name, []).append((block_rows, block.arrays[f"column{number}"]))
        if (company := block.arrays.get("company")) is not None:
            given.setdefault(COMPANY.name, []).append((block_rows, _company_rows(state, company)))
    for name, arrays in given.items():
        _merge(table, name, arrays)
    touched = from_rows(all_rows)
    if not change.companies:
        moments = LooseNumbers(table.fields["updated"], np.full(len(touched), change.at, np.int64))
        table.merge("updated", to_array(touched), moments)
    state.seq = seq
    system = {"id"} if change.companies else {"id", "created", "updated"} if table.ids.size > before else {"updated"}
    names = frozenset({*given, *system})
    accepted = len(all_rows)
    if change.companies:
        return Applied(accepted=accepted, companies=touched, company_fields=names)
    created = from_rows(np.arange(new_companies, state.companies.ids.size, dtype=np.uint32))
    return Applied(accepted=accepted, contacts=touched, companies=created, fields=names)


def _company_rows(state: State, companies: pa.StringArray) -> pa.Int64Array:
    """The row of each company, those not seen before being created; null where none is given."""
    encoded = companies.dictionary_encode()
    rows = state.companies.ids.allot_all(encoded.dictionary)
    return pa.array(rows.astype(np.int64)).take(encoded.indices)


def _merge(table: EntityTable, name: str, given: list[tuple[NDArray[np.uint32], pa.Array]]) -> None:
    """Set field `name`; nulls leave what is there."""
    array = pa.concat_arrays([array for _, array in given])
    rows = np.concatenate([rows for rows, _ in given])
    if array.null_count:
        rows = rows[array.is_valid().to_numpy(zero_copy_only=False)]
        array = array.drop_null()
    if len(rows):
        table.merge(name, rows, from_arrow(table.fields[name], array))
