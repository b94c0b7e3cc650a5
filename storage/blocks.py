"""Immutable files of arrays: written once, durably, then memory-mapped and used without copying.

A block is an Arrow IPC file of one record batch with one row, whose columns are large lists: each array of the block
is the list in its column, aligned to 8 bytes. Any Arrow tool reads it. The file's name carries its size and checksum,
so the name alone, in a journal record or a manifest, tells whether the file holds what was written.
"""

from __future__ import annotations

import io
import os
import re
import threading
import zlib
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from storage.crashpoints import reach
from storage.disk import Disk, measure, sync_directory
from storage.errors import DamageError

Array: TypeAlias = np.ndarray[Any, Any] | pa.Array

_NAME = re.compile(r"(?P<stem>[a-z0-9][a-z0-9_-]*)\.(?P<number>\d+)\.(?P<size>\d+)\.(?P<checksum>[0-9a-f]{8})\.arrow")
_NUMPY_TYPE = b"numpy"


@dataclass(frozen=True, slots=True)
class BlockRef:
    """A block by its name, which tells its size in bytes and its CRC-32."""

    name: str
    size: int
    checksum: int

    @classmethod
    def of(cls, name: str) -> BlockRef:
        """The reference that a name stands for; ValueError when it is not the name of a block."""
        parts = _NAME.fullmatch(name)
        if parts is None:
            raise ValueError(f"{name!r} is not the name of a block")
        return cls(name, int(parts["size"]), int(parts["checksum"], 16))


@dataclass(frozen=True, slots=True)
class Block:
    """The content of a block. Arrays read the mapped file: they are read-only and live on when it is removed."""

    arrays: dict[str, Array]
    metadata: dict[str, str]


class MappedBlocks:
    """The blocks in a folder, for a process that only opens what another one wrote and verified."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def open(self, ref: BlockRef | str) -> Block:
        """Map a block. DamageError when it is missing: a checkpoint that leaves it out removes it."""
        name = ref if isinstance(ref, str) else ref.name
        try:
            file = pa.memory_map(str(self._directory / name))
        except FileNotFoundError:
            raise DamageError(self._directory / name, "the file is missing") from None
        with file:
            reader = pa.ipc.open_file(file)
            batch = reader.get_batch(0)
        schema = reader.schema
        arrays = {field.name: _unwrap(field, column) for field, column in zip(schema, batch.columns, strict=True)}
        return Block(arrays, {key.decode(): value.decode() for key, value in (schema.metadata or {}).items()})


class Blocks(MappedBlocks):
    """The blocks of one workspace.

    A block is held from when it is written until a checkpoint leaves it out that covers every journal record that
    may name it; what a process wrote and never named is removed by `Store.collect` at the next start.
    """

    def __init__(self, directory: Path, disk: Disk) -> None:
        super().__init__(directory)
        self._disk = disk
        self._lock = threading.Lock()
        self._verified: set[str] = set()
        # Block name -> the last journal record that may name it; None while it is not named yet.
        self._held: dict[str, int | None] = {}
        for unfinished in directory.glob(".*"):
            unfinished.unlink()
        self._next = 1 + max((int(parts["number"]) for parts in map(_NAME.fullmatch, self.names()) if parts), default=0)

    def names(self) -> list[str]:
        """Every block there is."""
        return sorted(name for name in os.listdir(self._directory) if _NAME.fullmatch(name))

    def write(self, stem: str, arrays: Mapping[str, Array], metadata: Mapping[str, str] | None = None) -> BlockRef:
        """Write a block, durably: one-dimensional numpy arrays of numbers or booleans, or arrow arrays.

        `stem` tells people what is inside; lower-case letters, digits, `-` and `_`.

        Raises:
            StorageFull: there is no room; nothing is left behind.
            StorageFailed: the disk failed.
        """
        batch = _batch(arrays, metadata or {})
        self._disk.require_room(batch.nbytes)
        with self._lock:
            number, self._next = self._next, self._next + 1
        temporary = self._directory / f".{stem}.{number}.part"
        with self._disk.writing(temporary):
            try:
                size, checksum = _write_file(temporary, batch)
                reach("block.written")
                ref = BlockRef.of(f"{stem}.{number}.{size}.{checksum:08x}.arrow")
                with self._lock:
                    self._held[ref.name] = None
                    self._verified.add(ref.name)
                temporary.rename(self._directory / ref.name)
            except BaseException:
                temporary.unlink(missing_ok=True)
                raise
            sync_directory(self._directory)
        reach("block.named")
        return ref

    def open(self, ref: BlockRef | str) -> Block:
        """Map a block, verifying it unless this process did so before. DamageError when it is not what was written."""
        name = ref if isinstance(ref, str) else ref.name
        if name not in self._verified:
            self.verify(name)
        return super().open(name)

    def verify(self, ref: BlockRef | str) -> None:
        """Read the whole file; DamageError naming it when it is missing or changed."""
        wanted = BlockRef.of(ref) if isinstance(ref, str) else ref
        path = self._directory / wanted.name
        if measure(path) != (wanted.size, wanted.checksum):
            raise DamageError(path, "the checksum of the file does not hold")
        self._verified.add(wanted.name)

    def verify_all(self, refs: Iterable[BlockRef]) -> None:
        """Verify many, largest first, on two threads: reading and checksums run outside the interpreter's lock."""
        with ThreadPoolExecutor(2) as pool:
            for _ in pool.map(self.verify, sorted(refs, key=lambda ref: -ref.size)):
                pass

    def discard(self, names: Iterable[str]) -> None:
        """Remove blocks that were written and will not be named: those of an import that was given up."""
        for name in names:
            with self._lock:
                if self._held.get(name, 0) is not None:
                    raise ValueError(f"{name} is not a block waiting to be named")
                del self._held[name]
            self._remove(name)

    def hold(self, names: Iterable[str], seq: int) -> None:
        """Keep blocks until a checkpoint of `seq` or later leaves them out."""
        with self._lock:
            self._held.update(dict.fromkeys(names, seq))

    def keep_only(self, live: Collection[str], seq: int) -> None:
        """Remove the blocks held for records up to `seq` that are not `live` after all."""
        with self._lock:
            dead = [
                name for name, holder in self._held.items() if holder is not None and holder <= seq and name not in live
            ]
            for name in dead:
                del self._held[name]
        for name in dead:
            self._remove(name)

    def held(self, name: str) -> bool:
        return name in self._held

    def settle(self, seq: int, named: Collection[str]) -> None:
        """A checkpoint of `seq` names exactly `named`: remove what neither it nor a later journal record names."""
        with self._lock:
            self._held = {
                name: holder
                for name, holder in self._held.items()
                if name not in named and (holder is None or holder > seq)
            }
            orphans = [name for name in self.names() if name not in named and name not in self._held]
        for name in orphans:
            reach("checkpoint.collecting")
            self._remove(name)

    def _remove(self, name: str) -> None:
        self._verified.discard(name)
        (self._directory / name).unlink(missing_ok=True)


class _MeasuredFile(io.RawIOBase):
    """A file that counts and checksums what is written to it."""

    def __init__(self, descriptor: int) -> None:
        self.size = 0
        self.checksum = 0
        self._descriptor = descriptor

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.checksum = zlib.crc32(view, self.checksum)
        self.size += len(view)
        left = view
        while left:
            left = left[os.write(self._descriptor, left) :]
        return len(view)


def _write_file(path: Path, batch: pa.RecordBatch) -> tuple[int, int]:
    """Write and fsync; the size and checksum of the file."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    try:
        file = _MeasuredFile(descriptor)
        with pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)
        os.fsync(descriptor)
        return file.size, file.checksum
    finally:
        os.close(descriptor)


def _batch(arrays: Mapping[str, Array], metadata: Mapping[str, str]) -> pa.RecordBatch:
    wrapped = [_wrap(name, array) for name, array in arrays.items()]
    schema = pa.schema([field for field, _ in wrapped], metadata=dict(metadata))
    return pa.RecordBatch.from_arrays([column for _, column in wrapped], schema=schema)


def _wrap(name: str, array: Array) -> tuple[pa.Field, pa.Array]:
    """One array as a list of one row. Booleans of numpy are kept as bytes, which can be mapped."""
    note = {}
    match array:
        case np.ndarray() if array.ndim == 1 and array.dtype.kind in "biuf":
            plain = np.ascontiguousarray(array)
            values = pa.array(plain.view(np.uint8) if plain.dtype.kind == "b" else plain)
            note[_NUMPY_TYPE] = array.dtype.str.encode()
        case pa.Array():
            values = array
        case np.ndarray():
            raise TypeError(f"{name}: an array of shape {array.shape} and type {array.dtype} does not go into a block")
        case _:
            raise TypeError(f"{name}: a {type(array).__name__} does not go into a block")
    column = pa.LargeListArray.from_arrays(pa.array([0, len(values)], pa.int64()), values)
    return pa.field(name, column.type, metadata=note), column


def _unwrap(field: pa.Field, column: pa.Array) -> Array:
    values = column.values
    if _NUMPY_TYPE not in (field.metadata or {}):
        return values
    array: np.ndarray[Any, Any] = values.to_numpy(zero_copy_only=True)
    return array.view(field.metadata[_NUMPY_TYPE].decode())
