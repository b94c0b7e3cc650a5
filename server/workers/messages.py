"""What the process that writes tells its workers, and what they say back: frames of MessagePack over a socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import msgspec

from engine.budget import QueryLimits
from server.auth import Key
from server.service import Limits

_SIZE = struct.Struct("<Q")


class Welcome(msgspec.Struct, frozen=True, tag=True):
    """The first message: who the worker is, and how it is to answer.

    `folder` is where the doors are, `hosts` the names that are answered for, null for any."""

    number: int
    data: str
    folder: str
    limits: Limits
    cache_bytes: int
    warm_bytes: int
    hosts: list[str] | None
    keys: list[Key]


class Opened(msgspec.Struct, frozen=True, tag=True):
    """A workspace, and where it begins: `state` and `blocks` are those of a checkpoint, absent before the first."""

    workspace: str
    limits: QueryLimits
    seq: int
    state: bytes | None
    blocks: list[str]
    records: list[bytes]


class Written(msgspec.Struct, frozen=True, tag=True):
    """Records that are durable; `last` is the number of the last."""

    workspace: str
    last: int
    records: list[bytes]


class Saved(msgspec.Struct, frozen=True, tag=True):
    """A checkpoint that is durable."""

    workspace: str
    seq: int
    state: bytes
    blocks: list[str]


class LimitsAre(msgspec.Struct, frozen=True, tag=True):
    """What questions of a workspace may cost from now on."""

    workspace: str
    limits: QueryLimits


class Until(msgspec.Struct, frozen=True, tag=True):
    """Everything that was told before is to be in force when `Heard` is said."""

    id: int


class KeysAre(msgspec.Struct, frozen=True, tag=True):
    """The keys from now on: in force at once, whatever else is waiting."""

    id: int
    keys: list[Key]


class Heard(msgspec.Struct, frozen=True, tag=True):
    """The answer of a worker to `Until` and `KeysAre`."""

    id: int


Told = Opened | Written | Saved | LimitsAre | Until | KeysAre
"""What is told after the welcome."""

EVERYTHING_SO_FAR = 0
"""The id of the `Until` that ends the beginning."""


def framed(message: msgspec.Struct) -> bytes:
    """The bytes of a message, led by their number."""
    content = msgspec.msgpack.encode(message)
    return _SIZE.pack(len(content)) + content


def frames(source: socket.socket) -> Iterator[bytes]:
    """The contents of frames until the other end closes, or is gone."""
    with source.makefile("rb") as file:
        while len(size := file.read(_SIZE.size)) == _SIZE.size:
            content = file.read(*_SIZE.unpack(size))
            if len(content) < _SIZE.unpack(size)[0]:
                return
            yield content
