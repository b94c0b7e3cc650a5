"""Sealed columns of every type: made from loose ones, opened from blocks."""

from __future__ import annotations

from dsl.schema import Field, Type
from engine.tables.boolean import SealedBooleans
from engine.tables.keys import Keys, is_key
from engine.tables.loose import Loose, LooseNumbers, LooseTags, LooseText
from engine.tables.numeric import SealedNumbers
from engine.tables.tags import SealedTags
from engine.tables.text import SealedText
from storage import Array

Sealed = SealedText | SealedNumbers | SealedBooleans | SealedTags | Keys


def sealed(column: Loose) -> Sealed:
    """The indexed, immutable form of `column`."""
    match column:
        case Keys():
            return column
        case LooseText():
            return SealedText.of(column)
        case LooseTags():
            return SealedTags.of(column)
        case LooseNumbers() if column.field.type is Type.BOOLEAN:
            return SealedBooleans.of(column)
        case LooseNumbers():
            return SealedNumbers.of(column)
        case _:
            raise TypeError(f"{type(column).__name__} is not a loose column")


def opened(field: Field, arrays: dict[str, Array]) -> Sealed:
    """The column whose `arrays()` these are; nothing is copied or rebuilt."""
    if is_key(field):
        return Keys(field, arrays["texts"])
    match field.type:
        case Type.TEXT | Type.CHOICE:
            return SealedText.opened(field, arrays)
        case Type.TAGS:
            return SealedTags.opened(field, arrays)
        case Type.BOOLEAN:
            return SealedBooleans.opened(field, arrays)
        case Type.NUMBER | Type.FLOAT | Type.DATE | Type.DATETIME:
            return SealedNumbers.opened(field, arrays)
