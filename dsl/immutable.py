"""What trees, spans and windows are made of."""

from __future__ import annotations

from msgspec import Struct


class Immutable(Struct, frozen=True, gc=False):
    """A value made of older values, that never changes: it is in no ring, and no garbage collector need look at it.

    It is made in a tenth of the time that a frozen dataclass takes.
    """
