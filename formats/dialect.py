"""The encoding and the delimiter of a text file, from its first bytes."""

from __future__ import annotations

import codecs
import csv
import io
from itertools import islice

from formats.sources import CP1252

DELIMITERS = (",", ";", "\t", "|")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
RECORDS = 200
"""Records looked at to tell the delimiter."""


def encoding_of(start: bytes) -> str:
    """UTF-8 or UTF-16 by their mark, UTF-8 when the bytes are that, else cp1252, which any bytes can be.

    A character cut at the end of `start` is no sign against UTF-8.
    """
    for mark, name in _MARKS:
        if start.startswith(mark):
            return name
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return CP1252
    return "utf-8"


def delimiter_of(text: str) -> str:
    """The delimiter under which most records have as many cells as the header, then the one that gives most cells."""

    def fitness(delimiter: str) -> tuple[bool, float, int]:
        widths = _widths(text, delimiter)
        if not widths or widths[0] < 2:
            return (False, 0.0, 0)
        return (True, round(widths.count(widths[0]) / len(widths), 1), widths[0])

    return max(DELIMITERS, key=fitness)


def _widths(text: str, delimiter: str) -> list[int]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        return [len(record) for record in islice(reader, RECORDS) if record]
    except csv.Error:
        return []
