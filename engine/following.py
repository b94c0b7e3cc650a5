"""Following a workspace that another process writes: the same records, applied in the same order.

A follower maps the blocks of the newest checkpoint and applies the records after it. At each later checkpoint it
begins again from that one, in the background, so that what it holds beside the mapped blocks stays small.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from engine.budget import QueryLimits
from engine.changes import decode
from engine.contents import Contents
from engine.errors import UnknownWorkspace
from engine.feed import Beginning
from engine.memory import keep_freed
from engine.questions import Questions
from storage.blocks import MappedBlocks
from storage.errors import DamageError
from storage.store import Checkpoint

log = logging.getLogger("tamis.following")

FEW = 256
"""Records that are applied while nothing newer is taken."""


class Follower(Questions):
    """A workspace to be asked, not written. `follow` and `adopt` are called by one thread."""

    def __init__(
        self, name: str, blocks: MappedBlocks, beginning: Beginning, limits: QueryLimits, cache_bytes: int
    ) -> None:
        """DamageError when a newer checkpoint has removed the blocks of this beginning."""
        self._blocks = blocks
        self._lock = threading.Lock()
        self._loader = ThreadPoolExecutor(1, thread_name_prefix=f"adopt-{name}")
        # The records after the checkpoint that `_contents` began with: the next one covers them up to its own.
        self._records: deque[tuple[int, bytes]] = deque()
        self._contents, self._behind = Contents(blocks, beginning.checkpoint), False
        self._covered = 0 if beginning.checkpoint is None else beginning.checkpoint.seq
        super().__init__(name, self._contents.snapshot, limits, cache_bytes)
        self._contents.on_publish = self._take
        self.follow(self._covered + len(beginning.records), beginning.records)

    @property
    def healthy(self) -> str | None:
        return "waiting for a checkpoint" if self._behind else None

    def limit(self, limits: QueryLimits) -> None:
        """What a question may cost from now on."""
        self._limits = limits

    def follow(self, last: int, records: Sequence[bytes]) -> None:
        """Apply records that are durable; `last` is the number of the last."""
        with self._lock:
            fresh = list(enumerate(records, last - len(records) + 1))
            self._records.extend(fresh)
            if not self._behind and fresh:
                self._behind = not self._applied(self._contents, fresh)

    def _applied(self, contents: Contents, records: Sequence[tuple[int, bytes]]) -> bool:
        """Apply and publish; false when a block that a record names was removed by a checkpoint that is still to
        come: nothing of these records is shown until then."""
        try:
            contents.tend()
            for seq, record in records:
                contents.apply(decode(record), seq)
        except DamageError as gone:
            log.info("%s; waiting for the next checkpoint", gone)
            return False
        contents.publish(records[-1][0])
        return True

    def adopt(self, checkpoint: Checkpoint) -> None:
        """Begin again from a newer checkpoint, in the background; readers notice nothing."""
        self._loader.submit(self._adopt, checkpoint).add_done_callback(_logged)

    def close(self) -> None:
        """Finish what runs in the background."""
        self._loader.shutdown()
        self._contents.rest()

    def _adopt(self, checkpoint: Checkpoint) -> None:
        if checkpoint.seq <= self._covered and not self._behind:
            return
        try:
            contents = Contents(self._blocks, checkpoint)
        except DamageError as gone:
            log.info("%s; a newer checkpoint will come", gone)
            return
        before = self._contents
        # Whichever of the two is not used in the end builds nothing any more.
        (before if self._caught_up(contents, checkpoint.seq) else contents).rest()

    def _caught_up(self, contents: Contents, covered: int) -> bool:
        """Apply to the contents of a checkpoint what came after it, and answer from them; false where that needs a
        checkpoint that is still to come."""
        reached = covered
        while True:
            with self._lock:
                later = [(seq, record) for seq, record in self._records if seq > reached]
                if len(later) <= FEW:
                    return self._replaced(contents, covered, later)
            if not self._applied(contents, later):
                return False
            reached = later[-1][0]

    def _replaced(self, contents: Contents, covered: int, later: Sequence[tuple[int, bytes]]) -> bool:
        if later and not self._applied(contents, later):
            return False
        while self._records and self._records[0][0] <= covered:
            self._records.popleft()
        self._contents, self._covered, self._behind = contents, covered, False
        contents.on_publish = self._take
        contents.publish(contents.snapshot.seq)
        return True


def _logged(adopting: Future[None]) -> None:
    """What was answered before is answered still; that nothing was adopted is to be known."""
    if adopting.exception() is not None:
        log.error("a checkpoint could not be adopted", exc_info=adopting.exception())


class Followers:
    """The workspaces of a data directory that another process writes."""

    def __init__(self) -> None:
        keep_freed()
        self._followers: dict[str, Follower] = {}

    def workspaces(self) -> list[str]:
        """Names, in order."""
        return sorted(self._followers)

    def workspace(self, name: str) -> Follower:
        """UnknownWorkspace when there is none."""
        found = self._followers.get(name)
        if found is None:
            raise UnknownWorkspace(name)
        return found

    def open(self, follower: Follower) -> None:
        """From now on it may be asked."""
        self._followers = {**self._followers, follower.name: follower}
