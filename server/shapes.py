"""The request and answer bodies that more than one noun uses. The API's description is made from them."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

Seq = Annotated[int, Meta(ge=0)]
Limit = Annotated[int, Meta(ge=1, le=10_000, description="how many to answer at most")]
Fields = Annotated[str | None, Meta(description="fields to answer, separated by commas; all when absent")]
Instant = Annotated[str | None, Meta(description="the evaluation clock, ISO 8601; now when absent")]
TimeoutMs = Annotated[int, Meta(ge=1)]
Params = Annotated[dict[str, Any] | None, Meta(description="values of the parameters, by name without the $")]


class PageOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which members to answer, and how."""

    fields: Fields = None
    limit: Limit = 100
    cursor: Annotated[str | None, Meta(description="'next' of the page before")] = None
    sort: Annotated[str | None, Meta(description="a field, or -field for the other way round")] = None


class ExportOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What of each member to export."""

    fields: Fields = None


def listed(text: str | None) -> list[str] | None:
    """The parts of a comma-separated parameter; None when it is absent."""
    return None if text is None else [part.strip() for part in text.split(",") if part.strip()]
