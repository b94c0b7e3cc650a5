"""A lean HTTP/1.1 client: requests are made beforehand, connections kept open, so that little of what is measured is
its own work."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from typing import Any

from bench.generate import NOW
from bench.workload import Ask

HOST = "127.0.0.1"
W = "/v1/workspaces/default"
PATIENCE = 120.0
"""Seconds an answer may take."""
HEAD_END = b"\r\n\r\n"
CHUNK = 1 << 18
BUSY = (b"429", b"503")


class Refused(Exception):
    """The server answered with an error, or not at all."""


class TooBusy(Refused):
    """The server has more to do than it takes on; the connection is as good as before."""


class Connection:
    """One request at a time. `fileno` makes it fit for `select`."""

    __slots__ = ("_received", "_socket")

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((HOST, port), PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def fileno(self) -> int:
        return self._socket.fileno()

    def send(self, request: bytes) -> None:
        self._socket.sendall(request)

    def receive(self) -> bytes | None:
        """The body once it is whole, else None after one piece more. Raises Refused, TooBusy."""
        piece = self._socket.recv(CHUNK)
        if not piece:
            raise Refused(f"the server closed the connection after {self._received[:300]!r}")
        self._received += piece
        head, end, body = self._received.partition(HEAD_END)
        if not end or len(body) < content_length(head):
            return None
        self._received = b""
        if head[9:12] != b"200":
            raise (TooBusy if head[9:12] in BUSY else Refused)(f"{head[:12]!r}: {body[:500]!r}")
        return body

    def ask(self, request: bytes) -> bytes:
        """Raises Refused."""
        self.send(request)
        while (body := self.receive()) is None:
            pass
        return body

    def close(self) -> None:
        self._socket.close()


def content_length(head: bytes) -> int:
    """What the header of an answer says; every answer here says it."""
    _, _, rest = head.lower().partition(b"\r\ncontent-length:")
    return int(rest.split(b"\r\n", 1)[0])


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode()


def post(path: str, body: Any) -> bytes:
    content = json.dumps(body).encode()
    head = f"POST {path} HTTP/1.1\r\nHost: {HOST}\r\nContent-Type: application/json\r\nContent-Length: {len(content)}"
    return head.encode() + HEAD_END + content


def count_request(expression: str) -> bytes:
    return post(f"{W}/query/count", {"expression": expression, "at": NOW.isoformat()})


def count_requests(asks: Iterator[Ask]) -> Iterator[bytes]:
    """Texts that nobody asked before: by their comments where not by their constants."""
    for number, ask in enumerate(asks):
        yield count_request(f"{ask.expression} # {number}")


def count_of(answer: bytes) -> int:
    return int(json.loads(answer)["count"])
