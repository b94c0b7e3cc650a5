"""The witness of a database: a small file beside it, which knows what the database must at least hold.

SQLite drops damaged frames at the end of its write-ahead log without a word, and does not notice changed bytes in the
database file. The witness notices both: it holds the number of the last acknowledged commit, and the size and checksum
that the database file had when the log was last emptied into it. The database file changes at no other time, because
only `Database.seal` does that. The number is written without waiting for the disk: after a power loss the witness may
know of fewer commits than the log, never of more.
"""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

from storage.errors import DamageError

_FORM = struct.Struct("<8sQQI?")
_CHECKSUM = struct.Struct("<I")
_MAGIC = b"tamiswit"


@dataclass(frozen=True, slots=True)
class Testimony:
    """`commit`: the last acknowledged one. `size` and `checksum` hold for the database file when it is `sealed`."""

    commit: int
    size: int
    checksum: int
    sealed: bool


class Witness:
    """The file, kept open. It is overwritten in place: one sector, which no crash leaves half written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR)
        except FileNotFoundError:
            raise DamageError(path, "the file is missing") from None

    def read(self) -> Testimony:
        """What was last written; DamageError when these are not such bytes."""
        raw = os.pread(self._file, 4096, 0)
        body, checksum = raw[: _FORM.size], raw[_FORM.size :]
        if len(body) < _FORM.size or checksum != _CHECKSUM.pack(zlib.crc32(body)) or not body.startswith(_MAGIC):
            raise DamageError(self.path, "the checksum of its content does not hold")
        _, commit, size, file_checksum, sealed = _FORM.unpack(body)
        return Testimony(commit, size, file_checksum, sealed)

    def write(self, testimony: Testimony, *, durable: bool = False) -> None:
        os.pwrite(self._file, render(testimony), 0)
        if durable:
            os.fsync(self._file)

    def close(self) -> None:
        os.close(self._file)


def render(testimony: Testimony) -> bytes:
    """The content of the file."""
    body = _FORM.pack(_MAGIC, testimony.commit, testimony.size, testimony.checksum, testimony.sealed)
    return body + _CHECKSUM.pack(zlib.crc32(body))
