"""What a peer has loaded, kept for later runs on the same files: in a folder named after a checksum of what made it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from bench.timing import timed

SECONDS = "loading-seconds"
"""The file that is written last, so that only what is whole is found again."""


@dataclass(frozen=True, slots=True)
class Kept:
    """Where it lies, and what loading it took, in this run or an earlier one."""

    place: Path
    loading_seconds: float


def kept(folder: Path, name: str, made_by: Iterable[str], load: Callable[[Path], None]) -> Kept:
    """What `load` leaves in the place that it is given, unless that is there already, made by the same texts."""
    checksum = crc32("\n".join(made_by).encode())
    place = folder / f"{name}-{checksum:08x}"
    told = place / SECONDS
    if not told.exists():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        seconds, _ = timed(lambda: load(place))
        told.write_text(f"{seconds:.3f}\n")
    return Kept(place, float(told.read_text()))
