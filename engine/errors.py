"""What can go wrong that is the caller's to mend, each its own class."""

from __future__ import annotations


class UnknownWorkspace(KeyError):
    """No workspace of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name

    def __str__(self) -> str:
        return f"no workspace named '{self.name}'"


class UnknownContact(KeyError):
    """No living contact has that id."""

    def __init__(self, id: str) -> None:
        super().__init__(id)
        self.id = id

    def __str__(self) -> str:
        return f"no contact with the id '{self.id}'"


class UnknownSegment(KeyError):
    """No segment has that key."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key

    def __str__(self) -> str:
        return f"no segment with the key '{self.key}'"


class SegmentInUse(Exception):
    """A segment that others name, as parent or in their expression, cannot be deleted."""

    def __init__(self, key: str, names: tuple[str, ...]) -> None:
        self.key = key
        self.names = names
        super().__init__(f"segment '{key}' is used by {', '.join(repr(n) for n in names)}")


class PreconditionFailed(Exception):
    """The segment is not the one the caller last saw (If-Match), or is there already (If-None-Match)."""


class StaleRead(Exception):
    """`min_seq` was not reached in time."""

    def __init__(self, wanted: int, seq: int) -> None:
        self.wanted = wanted
        self.seq = seq
        super().__init__(f"sequence number {wanted} is not applied yet; the newest is {seq}")


class Closed(Exception):
    """The workspace is closing and takes no more writes."""


class WriterBroken(Exception):
    """A durable change could not be applied: memory is behind the journal until a restart replays it."""
