"""What a workspace tells those who follow it: where to begin, every record once it is durable, every checkpoint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from storage.store import Checkpoint


@dataclass(frozen=True, slots=True)
class Beginning:
    """A workspace as its files have it: the newest checkpoint, and the records after that."""

    checkpoint: Checkpoint | None
    records: Sequence[bytes]


class Listener(Protocol):
    """Who is told. It is called in order, on the threads that write: it must return at once."""

    def began(self, workspace: str, beginning: Beginning) -> None:
        """Everything after this will be told, and nothing before it."""

    def written(self, workspace: str, last: int, records: Sequence[bytes]) -> None:
        """These records are durable and applied; `last` is the number of the last."""

    def saved(self, workspace: str, checkpoint: Checkpoint) -> None:
        """A checkpoint is durable. Blocks that it does not name may be gone already."""
