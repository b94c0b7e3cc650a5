"""What a file becomes once read: batches of typed columns, ready to be stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Instants = npt.NDArray[np.int64]
"""Milliseconds since 1970 UTC."""


class Kind(StrEnum):
    """What the rows of a file are."""

    CONTACTS = "contacts"
    COMPANIES = "companies"
    EVENTS = "events"


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Rows of one kind, column by column, in the order of the file.

    `keys` (pa.string, no nulls) are the ids of contacts, or of companies; for events, of the contacts that did them.
    `at` and `ids` belong to events: `at` is None when the file has no such column (the time of receipt then holds).
    `company` (pa.string) links contacts to companies. All arrays have the same length.

    `columns` holds physical arrays by field name; null means not given, which leaves what is stored as it is:

    | type         | array                                  |
    |--------------|----------------------------------------|
    | text, choice | pa.string()                            |
    | number       | pa.int64(), scaled by 10**decimals     |
    | float        | pa.float64(), finite                   |
    | boolean      | pa.bool_()                             |
    | date         | pa.int32(), days since 1970            |
    | datetime     | pa.int64(), milliseconds since 1970 UTC|
    | tags         | pa.list_(pa.string()), no duplicates   |
    """

    kind: Kind
    keys: pa.StringArray
    event: str | None = None
    at: Instants | None = None
    ids: pa.StringArray | None = None
    company: pa.StringArray | None = None
    columns: dict[str, pa.Array] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.keys)
