"""What a workspace knows about its data: fields and their types, event types, the time zone.

A `Schema` is immutable; a change makes a new one. Every other room reads names and types from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from zoneinfo import ZoneInfo


class Type(StrEnum):
    """The types a field can have, and the Python value that stands for one of each inside Tamis.

    | type     | value                                                        |
    |----------|--------------------------------------------------------------|
    | text     | `str`, as written                                            |
    | choice   | `str`, one of the field's options                            |
    | number   | `int`, the decimal scaled by 10**decimals                    |
    | float    | `float`                                                      |
    | boolean  | `bool`                                                       |
    | date     | `int`, days since 1970-01-01                                 |
    | datetime | `int`, milliseconds since 1970-01-01T00:00Z                  |
    | tags     | `tuple[str, ...]`, without duplicates, in the order given    |

    These are called *physical values* throughout; `None` stands for a missing value of any type.
    """

    TEXT = "text"
    CHOICE = "choice"
    NUMBER = "number"
    FLOAT = "float"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TAGS = "tags"


type_of_value = str | int | float | bool | tuple[str, ...]
"""A physical value that is not missing."""


@dataclass(frozen=True, slots=True)
class Field:
    """A named, typed column. `decimals` counts for numbers alone, `options` for choices alone."""

    name: str
    type: Type
    decimals: int = 2
    options: tuple[str, ...] = ()
    label: str | None = None

    def __hash__(self) -> int:
        # Names tell most fields apart, and plans are hashed for every question.
        return hash(self.name)


def _nothing() -> Mapping[str, Field]:
    return MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Schema:
    """The fields of contacts, of companies, and of each event type (its properties).

    System fields are always there and cannot be declared:
    contacts have `id` (text), `created`, `updated` (datetime); companies have `id` (text);
    every event has `at` (datetime) and may have `id` (text).
    A contact's company is not a field: `company.industry` reads through the link.
    """

    timezone: str = "UTC"
    contacts: Mapping[str, Field] = field(default_factory=_nothing)
    companies: Mapping[str, Field] = field(default_factory=_nothing)
    events: Mapping[str, Mapping[str, Field]] = field(default_factory=lambda: MappingProxyType({}))
    identified_by: tuple[str, ...] = ()

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)


CONTACT_SYSTEM_FIELDS: Mapping[str, Field] = MappingProxyType(
    {
        "id": Field("id", Type.TEXT),
        "created": Field("created", Type.DATETIME),
        "updated": Field("updated", Type.DATETIME),
    }
)
COMPANY_SYSTEM_FIELDS: Mapping[str, Field] = MappingProxyType({"id": Field("id", Type.TEXT)})
EVENT_SYSTEM_FIELDS: Mapping[str, Field] = MappingProxyType(
    {"id": Field("id", Type.TEXT), "at": Field("at", Type.DATETIME)}
)
