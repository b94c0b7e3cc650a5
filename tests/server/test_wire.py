"""How requests and answers lie on the wire: whole or in pieces, one after the other or all at once."""

from __future__ import annotations

import asyncio
import json
import re
import socket
from collections.abc import Iterator
from time import sleep
from urllib.parse import urlsplit

import pytest
import uvicorn
from uvicorn.server import ServerState

from server.wire import Protocol

HEALTH = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n")


class Client:
    """Says bytes and reads answers, of which some may come together."""

    def __init__(self, address: str) -> None:
        place = urlsplit(address)
        self.socket = socket.create_connection((place.hostname, place.port), 10)
        self._read = b""

    def answer(self) -> tuple[int, bytes]:
        while b"\r\n\r\n" not in self._read:
            self._more()
        head, _, self._read = self._read.partition(b"\r\n\r\n")
        length = int(LENGTH.search(head + b"\r\n")[1])
        while len(self._read) < length:
            self._more()
        body, self._read = self._read[:length], self._read[length:]
        return int(head.split()[1]), body

    def _more(self) -> None:
        piece = self.socket.recv(1 << 16)
        assert piece, "the connection was closed"
        self._read += piece


@pytest.fixture
def client(running) -> Iterator[Client]:
    client = Client(running[0])
    with client.socket:
        yield client


def count(expression: str) -> bytes:
    body = json.dumps({"expression": expression}).encode()
    head = "POST /v1/workspaces/default/query/count HTTP/1.1\r\nHost: localhost\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def test_requests_sent_together_are_answered_in_their_order(client: Client) -> None:
    client.socket.sendall(HEALTH + count("everyone") + count("no such thing here") + HEALTH)
    answers = [client.answer() for _ in range(4)]
    assert [status for status, _ in answers] == [200, 200, 422, 200]
    assert "count" in json.loads(answers[1][1])
    assert answers[0] == answers[3]


@pytest.mark.parametrize("piece", [1, 7, 150])
def test_a_request_may_come_in_pieces(client: Client, piece: int) -> None:
    request = count("everyone")
    for i in range(0, len(request), piece):
        client.socket.sendall(request[i : i + piece])
        sleep(0.0005)
    status, body = client.answer()
    assert (status, "count" in json.loads(body)) == (200, True)
    client.socket.sendall(HEALTH)
    assert client.answer()[0] == 200


def test_a_small_answer_comes_in_one_piece(client: Client) -> None:
    client.socket.sendall(count("everyone"))
    whole = client.socket.recv(1 << 16)
    head, _, body = whole.partition(b"\r\n\r\n")
    assert len(body) == int(LENGTH.search(head + b"\r\n")[1]) > 0


def test_an_answer_to_head_has_no_body(client: Client) -> None:
    client.socket.sendall(HEALTH.replace(b"GET", b"HEAD"))
    head = client.socket.recv(1 << 16)
    assert head.startswith(b"HTTP/1.1 200")
    assert head.endswith(b"\r\n\r\n")
    assert LENGTH.search(head)
    client.socket.sendall(HEALTH)
    assert client.answer()[0] == 200


@pytest.mark.parametrize(
    "request_", [HEALTH.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"), HEALTH.replace(b"1.1", b"1.0")]
)
def test_a_connection_ends_with_the_answer_where_that_is_asked(client: Client, request_: bytes) -> None:
    client.socket.sendall(request_)
    assert client.answer()[0] == 200
    assert client.socket.recv(1) == b""


def exchanged(app, request: bytes = HEALTH) -> tuple[list[bytes], int]:
    """What `app` has written in the end, write by write, and how many tasks it was for that."""

    async def exchange() -> tuple[list[bytes], int]:
        config = uvicorn.Config(app, http=Protocol, log_level="critical")
        protocol = Protocol(config, ServerState(), {})
        transport = Written()
        protocol.connection_made(transport)
        protocol.data_received(request)
        tasks = len(protocol.tasks)
        await asyncio.gather(*protocol.tasks)
        protocol.connection_lost(None)
        return transport.pieces, tasks

    return asyncio.run(exchange())


class Written(asyncio.Transport):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[bytes] = []
        self.closed = False

    def write(self, data: bytes) -> None:
        self.pieces.append(bytes(data))

    def is_closing(self) -> bool:
        return self.closed

    def close(self) -> None:
        self.closed = True


def answering(headers: list[tuple[bytes, bytes]], *bodies: bytes, pause: bool = False):
    async def app(scope, receive, send) -> None:
        if pause:
            await asyncio.sleep(0)
            assert asyncio.current_task() is not None
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        for i, body in enumerate(bodies):
            await send({"type": "http.response.body", "body": body, "more_body": i + 1 < len(bodies)})

    return app


HEAD = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n"


def test_what_does_not_wait_is_no_task_and_one_write() -> None:
    assert exchanged(answering([(b"content-length", b"2")], b"ok")) == ([HEAD + b"ok"], 0)


def test_what_waits_is_a_task_from_there_on() -> None:
    assert exchanged(answering([(b"content-length", b"2")], b"ok", pause=True)) == ([HEAD + b"ok"], 1)


def test_a_stream_is_written_as_it_comes() -> None:
    pieces, _ = exchanged(answering([(b"content-length", b"2")], b"o", b"k"))
    assert pieces == [HEAD, b"o", b"k"]
    pieces, _ = exchanged(answering([], b"o", b"k"))
    assert pieces[1:] == [b"1\r\no\r\n", b"1\r\nk\r\n0\r\n\r\n"]


def test_no_header_can_end_its_line() -> None:
    pieces, _ = exchanged(answering([(b"content-length", b"2"), (b"x", b"1\r\nset-cookie: y")], b"ok"))
    assert b"".join(pieces).startswith(b"HTTP/1.1 500")
    assert b"cookie" not in b"".join(pieces)


def test_an_application_that_fails_before_its_body_is_answered_for() -> None:
    pieces, _ = exchanged(answering([(b"content-length", b"2")]))
    assert b"".join(pieces).startswith(b"HTTP/1.1 500")
    assert b"".join(pieces).count(b"HTTP/1.1") == 1


def test_a_connection_is_closed_once_it_was_idle_for_long_enough_after_its_last_answer() -> None:
    async def exchange() -> tuple[bool, bool]:
        app = answering([(b"content-length", b"2")], b"ok")
        protocol = Protocol(uvicorn.Config(app, http=Protocol, timeout_keep_alive=1), ServerState(), {})
        transport = Written()
        protocol.connection_made(transport)
        protocol.data_received(HEALTH)
        await asyncio.sleep(0.6)
        protocol.data_received(HEALTH)
        await asyncio.sleep(0.7)
        early = transport.closed
        await asyncio.sleep(0.6)
        return early, transport.closed

    assert asyncio.run(exchange()) == (False, True)
