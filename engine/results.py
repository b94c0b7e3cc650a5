"""What the engine answers: plain data, ready to be encoded by whoever asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from dsl.immutable import Immutable


@dataclass(frozen=True, slots=True)
class Ack:
    """A durable write: how many rows were accepted, up to which sequence number, and how many were duplicates."""

    accepted: int
    seq: int
    duplicates: int = 0


class Count(Immutable, frozen=True):
    """How many contacts match, of how many. The split is None while no field identifies a contact."""

    count: int
    total: int
    identified: int | None
    anonymous: int | None
    seq: int
    elapsed_ms: float


@dataclass(frozen=True, slots=True)
class Page:
    """Some members, in order; `next` is the cursor of the page after this one, None on the last."""

    contacts: list[dict[str, Any]]
    count: int
    next: str | None
    seq: int


@dataclass(frozen=True, slots=True)
class TimelinePage:
    """Some events of one contact, newest first; `next` goes on with older ones."""

    events: list[dict[str, Any]]
    next: str | None


@dataclass(frozen=True, slots=True)
class SegmentRef:
    key: str
    name: str


@dataclass(frozen=True, slots=True)
class SegmentView:
    """A saved segment with its live count. `expression` is None for a static segment; times are ISO 8601, UTC.

    `count` is None when counting was `refused`, which says why, or was not done in time.
    """

    key: str
    name: str
    description: str | None
    parent: str | None
    expression: str | None
    count: int | None
    identified: int | None
    anonymous: int | None
    created: str
    updated: str
    etag: str
    refused: str | None = None
