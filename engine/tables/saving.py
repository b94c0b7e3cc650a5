"""Saving a sealed version into blocks, and opening it again without rebuilding anything."""

from __future__ import annotations

import json
from collections.abc import Mapping

import msgspec
from pyroaring import BitMap

from dsl.schema import Field, Schema
from dsl.typed import IsSet
from engine.tables.entities import EntitiesVersion, EntityTable
from engine.tables.events import EventsVersion, EventTable
from engine.tables.identity import SealedIds
from engine.tables.links import COMPANY
from engine.tables.numeric import SealedNumbers
from engine.tables.parts import Purged, SealedPart
from engine.tables.patches import PatchedColumn, resealed
from engine.tables.prints import IdPrints
from engine.tables.sealed import Sealed, opened
from engine.tables.state import State, TablesVersion, company_fields, contact_fields, event_fields
from storage import BlockRef, Blocks, MappedBlocks


class SavedEntities(msgspec.Struct, array_like=True):
    """Block names, and the erased rows as a serialised bitmap."""

    ids: str
    erased: bytes
    columns: dict[str, str]


class SavedPart(msgspec.Struct, array_like=True):
    block: str
    first: int


class SavedEvents(msgspec.Struct, array_like=True):
    parts: list[SavedPart]
    orphans_high: bytes
    orphans_low: bytes


class Saved(msgspec.Struct, array_like=True):
    """What the checkpoint keeps of the tables: where everything lies."""

    accepted: int
    contacts: SavedEntities
    companies: SavedEntities
    events: dict[str, SavedEvents]


def save(version: TablesVersion, blocks: Blocks) -> tuple[bytes, list[BlockRef]]:
    """Write what has no block yet; the state to keep, and every block it names.

    `version` was published right after `State.seal(everything=True)`: ValueError when ids or events have a tail. Any
    thread may save, while the writer goes on; so patches are merged here, and events of erased contacts left out. The
    writer takes what was made of them by `State.adopt_saved`.
    """
    saver = _Saver(blocks)
    saved = Saved(
        version.accepted,
        saver.entities("contacts", version.contacts),
        saver.entities("companies", version.companies),
        {type: saver.events(events, version.contacts.erased) for type, events in version.types.items()},
    )
    return msgspec.msgpack.encode(saved), list(saver.refs.values())


class _Saver:
    """Writes blocks and gathers their references."""

    def __init__(self, blocks: Blocks) -> None:
        self._blocks = blocks
        self.refs: dict[str, BlockRef] = {}

    def _named(self, ref: BlockRef) -> str:
        self.refs[ref.name] = ref
        return ref.name

    def entities(self, kind: str, entities: EntitiesVersion) -> SavedEntities:
        if len(entities.sealed_ids.texts) != entities.size:
            raise ValueError(f"{kind} have a tail: seal everything first")
        columns = {name: self._patched(kind, column, entities.size) for name, column in entities.columns.items()}
        return SavedEntities(
            self._ids(kind, entities.sealed_ids),
            entities.erased.serialize(),
            {name: block for name, block in columns.items() if block is not None},
        )

    def _patched(self, kind: str, column: PatchedColumn, rows: int) -> str | None:
        """The block of a column; None when it has no value."""
        if column.size and column.merged is None:
            column.merged = resealed(column, rows)
        base = column.merged if column.size else column.base
        if isinstance(base, SealedNumbers) and base.ref is None and base.field is not COMPANY:
            base.ordered()
        return self._column(kind, base) if base is not None and base.estimate(IsSet()) else None

    def _ids(self, kind: str, ids: SealedIds) -> str:
        if ids.ref is None:
            arrays = {"texts": ids.texts, "fingerprints": ids.fingerprints}
            ids.ref = self._blocks.write(f"{kind}-ids", arrays)
        return self._named(ids.ref)

    def _column(self, kind: str, column: Sealed) -> str:
        if column.ref is None:
            column.ref = self._blocks.write(kind, column.arrays(), {"field": column.field.name})
        return self._named(column.ref)

    def events(self, events: EventsVersion, erased: BitMap) -> SavedEvents:
        parts = [part for part in events.parts if isinstance(part, SealedPart)]
        if len(parts) != len(events.parts):
            raise ValueError("events have a tail: seal everything first")
        left = [_purged(part, erased) for part in parts]
        lost = [part.seen for part, kept in zip(parts, left, strict=True) if kept is None]
        orphans = IdPrints.joined([events.orphans, *lost])
        saved = [SavedPart(self._part(part), part.first) for part in left if part is not None]
        return SavedEvents(saved, orphans.high.tobytes(), orphans.low.tobytes())

    def _part(self, part: SealedPart) -> str:
        if part.ref is None:
            part.ref = write_part(part, self._blocks)
        return self._named(part.ref)


def _purged(part: SealedPart, erased: BitMap) -> SealedPart | None:
    """The part without the events of erased contacts, which the writer is to take in its place; None for nothing."""
    known = part if part.purged is None else part.purged.part
    left = None if known is None else known.without_contacts(erased)
    if left is not part:
        part.purged = Purged(left)
    return left


def write_part(part: SealedPart, blocks: Blocks) -> BlockRef:
    """The block of a part."""
    return blocks.write("events", part.arrays(), {"columns": json.dumps(part.names), "first": str(part.first)})


def import_order(name: str, blocks: MappedBlocks) -> int:
    """The number, within its import, that the acceptance numbers of the part in a block count from."""
    return int(blocks.open(name).metadata["first"])


def open_part(name: str, blocks: MappedBlocks, fields: Mapping[str, Field], first: int) -> SealedPart:
    """The part in a block; `first` is the acceptance number its stored ones count from."""
    block = blocks.open(name)
    part = SealedPart.opened(block.arrays, json.loads(block.metadata["columns"]), fields, first)
    part.ref = BlockRef.of(name)
    return part


def load(state: bytes, blocks: MappedBlocks, schema: Schema) -> State:
    """The state that was saved, its arrays mapped from their blocks; storage.DamageError when one is damaged."""
    saved = msgspec.msgpack.decode(state, type=Saved)
    restored = State(schema)
    restored.accepted = saved.accepted
    restored.contacts = _entities(saved.contacts, blocks, contact_fields(schema))
    restored.companies = _entities(saved.companies, blocks, company_fields(schema))
    restored.events = {
        type: _events(events, blocks, event_fields(schema, type)) for type, events in saved.events.items()
    }
    restored.declare(schema)
    return restored


def _entities(saved: SavedEntities, blocks: MappedBlocks, fields: Mapping[str, Field]) -> EntityTable:
    ids = blocks.open(saved.ids).arrays
    sealed_ids = SealedIds(ids["texts"], ids["fingerprints"], BlockRef.of(saved.ids))
    bases = {name: _column(block, blocks, fields[name]) for name, block in saved.columns.items()}
    return EntityTable.restored(fields, sealed_ids, BitMap.deserialize(saved.erased), bases)


def _column(name: str, blocks: MappedBlocks, field: Field) -> Sealed:
    column = opened(field, blocks.open(name).arrays)
    column.ref = BlockRef.of(name)
    return column


def _events(saved: SavedEvents, blocks: MappedBlocks, fields: Mapping[str, Field]) -> EventTable:
    table = EventTable(fields)
    table.parts = tuple(open_part(part.block, blocks, fields, part.first) for part in saved.parts)
    table.orphans = IdPrints.from_bytes(saved.orphans_high, saved.orphans_low)
    return table
