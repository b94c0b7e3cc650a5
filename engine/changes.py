"""Changes: what a write asks for once validated, and exactly what the journal keeps.

Every change encodes to one msgpack record and is applied deterministically in journal order: applying the same
records to the same state always gives the same rows. Values are physical values (`dsl.schema.Type`).
"""

from __future__ import annotations

import msgspec

Value = str | int | float | bool | list[str] | None


class ContactRow(msgspec.Struct, frozen=True, array_like=True):
    """One upsert of a contact or a company. `values` holds the fields given; None clears a field."""

    id: str
    values: dict[str, Value]
    company: str | None = None
    clears_company: bool = False


class UpsertContacts(msgspec.Struct, frozen=True, tag="contacts"):
    """Upserts, in order; `at` (milliseconds UTC) becomes `created` for new contacts and `updated` for all."""

    at: int
    rows: list[ContactRow]


class UpsertCompanies(msgspec.Struct, frozen=True, tag="companies"):
    at: int
    rows: list[ContactRow]


class EventColumns(msgspec.Struct, frozen=True, array_like=True):
    """Events of one type as parallel columns of equal length. Properties nobody gave are absent."""

    type: str
    contacts: list[str]
    at: list[int]
    ids: list[str | None] | None
    properties: dict[str, list[Value]]


class AddEvents(msgspec.Struct, frozen=True, tag="events"):
    """Events to add; a contact not seen before is created with `created` = `at`.

    An event whose id its type already has is a duplicate, and is skipped.
    """

    at: int
    columns: list[EventColumns]


class EraseContacts(msgspec.Struct, frozen=True, tag="erase"):
    """Contacts to erase everywhere, by row: the record itself must not keep what it erases."""

    rows: list[int]


class PatchSchema(msgspec.Struct, frozen=True, tag="schema"):
    """The whole schema after the patch, in its JSON form."""

    schema: dict[str, object]


class PutSegment(msgspec.Struct, frozen=True, tag="segment"):
    key: str
    definition: dict[str, object]


class DropSegment(msgspec.Struct, frozen=True, tag="drop-segment"):
    key: str


class ChangeMembers(msgspec.Struct, frozen=True, tag="members"):
    """Overrides of a segment, by contact row: added and removed hold against the rules until reset."""

    key: str
    add: list[int]
    remove: list[int]
    reset: list[int]


class BulkContacts(msgspec.Struct, frozen=True, tag="bulk-contacts"):
    """A bulk import of contacts or companies, whose rows lie in staged Arrow blocks named here."""

    at: int
    companies: bool
    blocks: list[str]


class BulkEvents(msgspec.Struct, frozen=True, tag="bulk-events"):
    """A bulk import of events whose indexed parts were built beforehand against `base` contacts.

    `contacts_block` names the block of new contact ids, allotted rows from `base` on; `parts` maps event types to
    the names of part blocks. `rows` is how many acceptance numbers the import used.
    """

    at: int
    base: int
    contacts_block: str | None
    parts: dict[str, list[str]]
    rows: int


Change = (
    UpsertContacts
    | UpsertCompanies
    | AddEvents
    | EraseContacts
    | PatchSchema
    | PutSegment
    | DropSegment
    | ChangeMembers
    | BulkContacts
    | BulkEvents
)


def blocks_named(change: Change) -> list[str]:
    """The blocks that the record of a change names."""
    match change:
        case BulkContacts():
            return change.blocks
        case BulkEvents():
            contacts = [] if change.contacts_block is None else [change.contacts_block]
            return contacts + [name for names in change.parts.values() for name in names]
        case _:
            return []


_encoder = msgspec.msgpack.Encoder()
_decoder: msgspec.msgpack.Decoder[Change] = msgspec.msgpack.Decoder(Change)


def encode(change: Change) -> bytes:
    """The journal record of a change."""
    return _encoder.encode(change)


def decode(record: bytes) -> Change:
    """The change of a journal record; msgspec.DecodeError when it is not one."""
    return _decoder.decode(record)
