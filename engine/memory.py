"""What the C library's allocator does with memory that is freed."""

from __future__ import annotations

import ctypes

_TRIM_THRESHOLD = -1
_MMAP_THRESHOLD = -3
LARGEST_KEPT = 32 << 20
"""The largest pieces that glibc lets a process keep."""
KEPT_FREE = 128 << 20
"""So much may lie free at the end of the heap before it goes back to the system."""


def keep_freed() -> None:
    """Keep freed memory for the next question, in this process, where the C library is glibc.

    Otherwise arrays of a megabyte, of which questions make several each, come from the system every time, page by page:
    that can take four times as long as the work on them (https://man7.org/linux/man-pages/man3/mallopt.3.html).
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, LARGEST_KEPT)
        mallopt(_TRIM_THRESHOLD, KEPT_FREE)
