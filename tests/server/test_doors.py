"""Requests through a door: bodies stream both ways, refusals come early, and who goes away is gone on both sides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path

import pytest
from starlette.types import Message, Receive, Scope, Send

from server.workers.door import Door, Through

SCOPE: Scope = {
    "type": "http",
    "method": "POST",
    "raw_path": b"/a%2Fb",
    "query_string": b"x=1",
    "headers": [(b"host", b"localhost"), (b"x-one", b"\xff")],
    "http_version": "1.1",
    "scheme": "http",
    "client": ("127.0.0.1", 1),
    "server": ("127.0.0.1", 2),
}


class Client:
    """One request from this side: sends `pieces`, then stays until `leaves`."""

    def __init__(self, pieces: Iterable[bytes] = (b"",)) -> None:
        self.pieces = list(pieces)
        self.leaves = asyncio.Event()
        self.messages: list[Message] = []
        self.received = asyncio.Event()

    async def receive(self) -> Message:
        if self.pieces:
            return {"type": "http.request", "body": self.pieces.pop(0), "more_body": bool(self.pieces)}
        await self.leaves.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        self.messages.append(message)
        self.received.set()

    @property
    def status(self) -> int:
        return int(self.messages[0]["status"])

    @property
    def body(self) -> bytes:
        return b"".join(message.get("body", b"") for message in self.messages)


async def answer(send: Send, status: int, *pieces: bytes) -> None:
    await send({"type": "http.response.start", "status": status, "headers": [(b"x-two", b"2")]})
    for piece in pieces:
        await send({"type": "http.response.body", "body": piece, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    head = f"{scope['method']} {scope['path']} {scope['query_string']!r} {scope['headers'][1]!r} ".encode()
    await answer(send, 200, head, body)


async def refuse(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads nothing of the body."""
    await answer(send, 413)


async def fail(scope: Scope, receive: Receive, send: Send) -> None:
    raise ValueError("this one is broken")


@pytest.fixture
def through(tmp_path: Path):
    """Runs a test against an application behind a door."""

    def run(app: Callable[[Scope, Receive, Send], Awaitable[None]], test: Callable[[Through], Awaitable[None]]) -> None:
        async def opened() -> None:
            path = tmp_path / "door"
            async with await Door(app, lambda scope: ("w", 7)).open(path):
                await asyncio.wait_for(test(Through(path)), 20)

        asyncio.run(opened())

    return run


def test_requests_and_answers_are_the_same_on_both_sides(through) -> None:
    async def test(door: Through) -> None:
        for pieces in ([b""], [b"one"], [b"a" * 1_000_000] * 5):
            client = Client(pieces)
            await door(SCOPE, client.receive, client.send)
            assert client.status == 200
            assert client.messages[0]["headers"] == [(b"x-two", b"2")]
            assert client.body == b"POST /a/b b'x=1' (b'x-one', b'\\xff') " + b"".join(pieces)
        assert await door.ask(SCOPE) == (200, b"POST /a/b b'x=1' (b'x-one', b'\\xff') ")

    through(echo, test)


def test_a_refusal_comes_before_the_body_has_been_sent(through) -> None:
    async def test(door: Through) -> None:
        for _ in range(3):
            client = Client([b"a" * 100_000] * 100)
            await door(SCOPE, client.receive, client.send)
            assert client.status == 413

    through(refuse, test)


def test_many_at_a_time(through) -> None:
    async def test(door: Through) -> None:
        clients = [Client([str(number).encode()] * 3) for number in range(50)]
        await asyncio.gather(*(door(SCOPE, client.receive, client.send) for client in clients))
        assert [client.body[-len(str(n)) * 3 :] for n, client in enumerate(clients)] == [
            str(n).encode() * 3 for n in range(50)
        ]

    through(echo, test)


def test_a_client_that_leaves_is_gone_on_the_other_side(through) -> None:
    left = asyncio.Event()

    async def stream(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"event", "more_body": True})
        assert (await receive())["type"] == "http.disconnect"
        left.set()

    async def test(door: Through) -> None:
        client = Client()
        asking = asyncio.ensure_future(door(SCOPE, client.receive, client.send))
        await client.received.wait()
        client.leaves.set()
        await asking
        await asyncio.wait_for(left.wait(), 60)

    through(stream, test)


def test_an_application_that_fails_leaves_the_door_open(through, caplog: pytest.LogCaptureFixture) -> None:
    async def test(door: Through) -> None:
        for _ in range(2):
            client = Client()
            with pytest.raises(ConnectionError):
                await door(SCOPE, client.receive, client.send)
        assert "this one is broken" in caplog.text

    through(fail, test)


def test_an_answer_waits_until_what_it_changed_is_known_here(tmp_path: Path) -> None:
    settled: list[tuple[str, int]] = []

    async def settle(workspace: str, seq: int) -> None:
        settled.append((workspace, seq))
        assert client.messages == []

    async def opened() -> None:
        async with await Door(echo, lambda scope: ("w", 7)).open(tmp_path / "door"):
            await Through(tmp_path / "door", settle)(SCOPE, client.receive, client.send)

    client = Client()
    asyncio.run(opened())
    assert settled == [("w", 7)]
    assert client.status == 200


def test_nobody_behind_the_door(tmp_path: Path) -> None:
    client = Client()
    with pytest.raises(OSError):
        asyncio.run(Through(tmp_path / "none")(SCOPE, client.receive, client.send))
