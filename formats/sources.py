"""Where the bytes come from: a path or a seekable binary file, opened, counted and brought to UTF-8."""

from __future__ import annotations

import codecs
import io
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

Source = str | Path | BinaryIO

CP1252 = "cp1252"
_C1 = "tamis-c1"
STEP = 1 << 16
"""Bytes read at least."""
TAIL = 64
"""Bytes of a file's end that are remembered."""


BROKEN = "\ufffe"
"""Stands for bytes that mean nothing in their encoding: a code point that is never a character."""
_BROKEN = "tamis-broken"


def _as_c1(error: UnicodeError) -> tuple[str, int]:
    # The five bytes cp1252 leaves undefined become C1 controls, as browsers read them.
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


def _as_broken(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return BROKEN, error.end


codecs.register_error(_C1, _as_c1)
codecs.register_error(_BROKEN, _as_broken)


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
    """A stream in any encoding, read as UTF-8 without byte order mark, whose last line always ends.

    `position` counts the bytes consumed; `tail` holds the last few of a file wholly read, before that end of line.
    UTF-8 itself passes through unchecked, so that bad bytes can be laid at the door of their row. UnicodeDecodeError
    where UTF-16 is broken. Another thread may read: once the stream is closed nobody touches its file through it, and
    there is nothing more to read.
    """

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._turn = threading.Lock()
        self.position = 0
        self.tail = b"\n"
        self._file = file
        self.damaged = False
        self._ended = False
        self._decoder = _decoder(encoding)
        self._ready = bytearray()

    def readable(self) -> bool:
        return True

    def read(self, limit: int = -1, /) -> bytes:
        """Exactly `limit` bytes of UTF-8, fewer only at the end.

        The CSV parser copies into buffers of that size, and takes each read for a block that holds a whole record.
        """
        with self._turn:
            return b"" if self.closed else self._taken(limit)

    def close(self) -> None:
        """End the stream, though not its file. A read under way is waited for."""
        with self._turn:
            super().close()

    def _taken(self, limit: int) -> bytes:
        while limit < 0 or len(self._ready) < limit:
            part = self._next(max(limit - len(self._ready), STEP))
            if part is None:
                break
            self._ready += part
        taken = bytes(self._ready if limit < 0 else self._ready[:limit])
        del self._ready[: len(taken)]
        return taken

    def _next(self, limit: int) -> bytes | None:
        """The next bytes of UTF-8, perhaps none as yet; None at the end."""
        data = self._file.read(limit)
        self.position += len(data)
        text = self._utf8(data)
        if text:
            self.tail = (self.tail + text[-TAIL:])[-TAIL:]
        if data or text:
            return text
        unended, self._ended = not (self._ended or self.tail.endswith(b"\n")), True
        return b"\n" if unended else None

    def _utf8(self, data: bytes) -> bytes:
        text = self._decoder.decode(data, final=not data)
        self.damaged = self.damaged or BROKEN in text
        return text.encode(errors="replace")


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    name = codecs.lookup(encoding).name
    if name == "utf-8":
        name = "utf-8-sig"
    return codecs.getincrementaldecoder(name)(_C1 if name == CP1252 else _BROKEN)
