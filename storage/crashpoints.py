"""Named places between the steps of a write, where a test can make the process die as if by `kill -9`.

`TAMIS_CRASH_AT=name` dies the first time that `name` is reached, `TAMIS_CRASH_AT=name:3` the third time.
"""

from __future__ import annotations

import os
import signal

POINTS = (
    "directory.made",
    "directory.catalogued",
    "directory.formatted",
    "workspace.prepared",
    "workspace.named",
    "block.written",
    "block.named",
    "append.inserted",
    "append.committed",
    "append.acknowledged",
    "checkpoint.written",
    "checkpoint.committed",
    "checkpoint.collecting",
    "checkpoint.collected",
    "seal.announced",
    "seal.copied",
    "close.sealed",
)

_name, _, _times = os.environ.get("TAMIS_CRASH_AT", "").partition(":")
_left = int(_times or 1)


def reach(point: str) -> None:
    """Die here when asked to; otherwise nothing."""
    global _left
    if point != _name:
        return
    _left -= 1
    if _left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
