"""A server looks for the next request for a moment after an answer, where that is of use."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import uvicorn
from uvicorn.server import ServerState

from server.lingering import LINGER_SECONDS, RAREST, Awake, Lingering

TURN = 0.000002


class Loop:
    """Turns taken by hand; each takes `TURN` seconds."""

    def __init__(self) -> None:
        self.now = 100.0
        self.waiting: list[Callable[[], None]] = []

    def clock(self) -> float:
        return self.now

    def call_soon(self, callback: Callable[[], None]) -> None:
        self.waiting.append(callback)

    def turn(self) -> None:
        self.now += TURN
        waiting, self.waiting = self.waiting, []
        assert len(waiting) <= 1, "one look at a time"
        for callback in waiting:
            callback()

    def until_asleep(self) -> float:
        """Seconds until nothing is to be run any more."""
        began = self.now
        while self.waiting:
            self.turn()
        return self.now - began


@pytest.fixture
def loop() -> Loop:
    return Loop()


@pytest.fixture
def lingering(loop: Loop) -> Lingering:
    return Lingering(loop, loop.clock)  # type: ignore[arg-type]


def test_it_looks_for_a_moment_and_no_longer(loop: Loop, lingering: Lingering) -> None:
    lingering.answered()
    assert loop.until_asleep() == pytest.approx(LINGER_SECONDS, abs=2 * TURN)


def test_a_request_ends_it(loop: Loop, lingering: Lingering) -> None:
    lingering.answered()
    loop.turn()
    lingering.asked()
    assert loop.until_asleep() <= TURN * 1.5


def looks(loop: Loop, lingering: Lingering, answers: int) -> int:
    """After how many of the answers it looked, when nobody asks again soon."""
    looked = 0
    for _ in range(answers):
        lingering.answered()
        looked += loop.until_asleep() > 0
        loop.now += 1
        lingering.asked()
    return looked


def test_looks_in_vain_become_rare(loop: Loop, lingering: Lingering) -> None:
    looks(loop, lingering, 4 * RAREST)
    assert looks(loop, lingering, 10 * RAREST) == 10


def test_clients_that_ask_again_at_once_are_waited_for_each_time(loop: Loop, lingering: Lingering) -> None:
    looks(loop, lingering, 4 * RAREST)
    waited = 0
    for _ in range(RAREST + 20):
        lingering.answered()
        waited += bool(loop.waiting)
        loop.turn()
        lingering.asked()
    assert waited >= 20
    lingering.answered()
    assert loop.until_asleep() > LINGER_SECONDS / 2


def test_requests_are_answered_and_the_server_sleeps_between_them() -> None:
    async def app(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})

    async def exchange() -> list[bytes]:
        config, state = uvicorn.Config(app, http=Awake), ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Awake(config, state, {}), "127.0.0.1", 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        answers = []
        for pause in (0, 0, 0.01, 0):
            await asyncio.sleep(pause)
            writer.write(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answers.append(await reader.readexactly(len(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")))
        await asyncio.sleep(0.01)
        assert not loop._ready  # type: ignore[attr-defined]
        writer.close()
        server.close()
        return answers

    assert asyncio.run(exchange()) == [b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"] * 4
