"""Durable bytes: the journal, immutable blocks, the catalog, checkpoint and recovery. Knows no query."""

from .blocks import Array, Block, BlockRef, Blocks
from .directory import FORMAT, DataDirectory
from .disk import RESERVE
from .documents import Documents
from .errors import (
    BadName,
    DamageError,
    Locked,
    NewerFormat,
    NoDataDirectory,
    StorageError,
    StorageFailed,
    StorageFull,
)
from .store import Checkpoint, Store

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
    "NewerFormat",
    "NoDataDirectory",
    "StorageError",
    "StorageFailed",
    "StorageFull",
    "Store",
]
