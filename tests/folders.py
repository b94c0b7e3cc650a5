"""Where tests keep what they throw away at once."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

MEMORY = Path("/dev/shm")
ENOUGH = 256 << 20
"""Bytes that must be free there."""


def brief_folder() -> TemporaryDirectory[str]:
    """In memory where there is room: with hundreds of small data directories, half of the time would be waiting for a
    disk to say that it has written."""
    in_memory = MEMORY.is_dir() and shutil.disk_usage(MEMORY).free > ENOUGH
    return TemporaryDirectory(prefix="tamis-test-", dir=MEMORY if in_memory else None)
