"""Durable bytes: the journal, immutable blocks, the catalog, checkpoint and recovery. Knows no query."""

from storage.blocks import Array, Block, BlockRef, Blocks, MappedBlocks
from storage.directory import FORMAT, DataDirectory, mapped_blocks
from storage.disk import RESERVE
from storage.documents import Documents
from storage.errors import (
    BadName,
    DamageError,
    Locked,
    NewerFormat,
    NoDataDirectory,
    StorageError,
    StorageFailed,
    StorageFull,
)
from storage.store import Checkpoint, Store

__all__ = [
    "FORMAT",
    "RESERVE",
    "Array",
    "BadName",
    "Block",
    "BlockRef",
    "Blocks",
    "Checkpoint",
    "DamageError",
    "DataDirectory",
    "Documents",
    "Locked",
    "MappedBlocks",
    "NewerFormat",
    "NoDataDirectory",
    "StorageError",
    "StorageFailed",
    "StorageFull",
    "Store",
    "mapped_blocks",
]
