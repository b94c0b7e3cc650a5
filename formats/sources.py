"""Where the bytes come from: a path or a seekable binary file, opened, counted and brought to UTF-8."""

from __future__ import annotations

import codecs
import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

Source = str | Path | BinaryIO

CP1252 = "cp1252"
_C1 = "tamis-c1"


def _as_c1(error: UnicodeError) -> tuple[str, int]:
    # The five bytes cp1252 leaves undefined become C1 controls, as browsers read them.
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


codecs.register_error(_C1, _as_c1)


@contextmanager
def opened(source: Source) -> Iterator[BinaryIO]:
    """The source as a binary file at its start; closed afterwards only if it was opened here."""
    if isinstance(source, (str, Path)):
        with open(source, "rb") as file:
            yield file
    else:
        source.seek(0)
        yield source


def size(file: BinaryIO) -> int:
    """Bytes in a seekable file, whose position stays."""
    here = file.tell()
    end = file.seek(0, os.SEEK_END)
    file.seek(here)
    return end


class Utf8Stream(io.RawIOBase):
    """A stream in any encoding, read as UTF-8 without byte order mark. `position` counts the bytes it consumed.

    UTF-8 itself passes through unchecked, so that bad bytes can be laid at the door of their row. UnicodeDecodeError
    where UTF-16 is broken.
    """

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self.position = 0
        self._file = file
        self._started = False
        self._decoder = _decoder(encoding)
        self._ready = memoryview(b"")

    def readable(self) -> bool:
        return True

    def read(self, limit: int = -1, /) -> bytes:
        """At most `limit` bytes of UTF-8: readers copy into buffers of exactly that size."""
        if limit < 0:
            return b"".join(iter(lambda: self.read(1 << 20), b""))
        while not self._ready and (part := self._next(limit)) is not None:
            self._ready = memoryview(part)
        taken, self._ready = self._ready[:limit], self._ready[limit:]
        return bytes(taken)

    def _next(self, limit: int) -> bytes | None:
        data = self._file.read(limit)
        self.position += len(data)
        if self._decoder is not None:
            text = self._decoder.decode(data, final=not data)
            return text.encode() if data or text else None
        if not self._started:
            self._started = True
            data = data.removeprefix(codecs.BOM_UTF8)
        return data or None


def _decoder(encoding: str) -> codecs.IncrementalDecoder | None:
    name = codecs.lookup(encoding).name
    if name in ("utf-8", "utf-8-sig"):
        return None
    return codecs.getincrementaldecoder(name)(_C1 if name == CP1252 else "strict")
