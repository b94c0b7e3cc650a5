"""Loads on a server: what waits behind a slow answer counts as slow in an open loop, and is unseen in a closed one."""

import socket
import threading
from contextlib import contextmanager
from itertools import repeat
from time import sleep

import pytest

from bench.connection import HOST, Connection, Refused, content_length, get
from bench.load import Load, closed_loop, open_loop

REQUEST = get("/anything")
PAUSE = 0.4
"""Seconds of the one slow answer."""


@contextmanager
def answering(answer):
    """The port of a server that gives `answer(number)` to each request, one connection at a time."""
    with socket.create_server((HOST, 0)) as listening:
        threading.Thread(target=serve, args=(listening, answer), daemon=True).start()
        yield listening.getsockname()[1]


def serve(listening, answer):
    numbers = iter(range(1_000_000))
    connection, _ = listening.accept()
    with connection:
        while connection.recv(65_536):
            for piece in answer(next(numbers)):
                connection.sendall(piece)


def ok(number):
    yield b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


def one_is_slow(number):
    if number == 20:
        sleep(PAUSE)
    yield from ok(number)


def test_an_answer_in_pieces_is_received_whole():
    def in_pieces(number):
        for piece in (b"HTTP/1.1 200 OK\r\nconten", b"t-length: 5\r\n\r\nab", b"cde"):
            sleep(0.01)
            yield piece

    with answering(in_pieces) as port:
        connection = Connection(port)
        assert connection.ask(REQUEST) == b"abcde"
        assert connection.ask(REQUEST) == b"abcde"


def test_a_refusal_is_told_with_what_the_server_said():
    with (
        answering(lambda _: [b"HTTP/1.1 400 Bad Request\r\nContent-Length: 4\r\n\r\nwhy?"]) as port,
        pytest.raises(Refused, match=r"400.*why\?"),
    ):
        Connection(port).ask(REQUEST)


def test_the_length_of_an_answer_is_read_whatever_stands_around_it():
    assert content_length(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\nA: 3") == 12
    assert content_length(b"HTTP/1.1 200 OK\r\nA: 3\r\ncontent-length:7") == 7


def test_an_open_loop_counts_what_waits_behind_a_slow_answer():
    """100 a second for 1 s, and 0.4 s of silence: some 40 requests wait, 0.2 s in the mean."""
    with answering(one_is_slow) as port:
        load = open_loop(port, [REQUEST] * 100, 100, 1)
    slow = [seconds for seconds in load.seconds if seconds > PAUSE / 10]
    assert (load.done, load.unanswered) == (100, 0)
    assert len(slow) >= 25
    assert max(load.seconds) > PAUSE * 0.9
    assert load.told()["times"]["p90"] > 100


def test_a_closed_loop_sees_but_the_one():
    with answering(one_is_slow) as port:
        load = closed_loop(port, repeat(REQUEST), 1, 0.6)
    assert sum(seconds > PAUSE / 10 for seconds in load.seconds) == 1
    assert load.unanswered == 0
    assert load.told()["rate"] == pytest.approx(load.done / load.elapsed)


def test_what_is_never_answered_counts_with_the_time_it_waited():
    with answering(lambda number: ok(number) if number < 10 else sleep(1) or ()) as port:
        load = open_loop(port, [REQUEST] * 20, 100, 1)
    assert (load.done, load.unanswered) == (10, 10)
    assert max(load.seconds) >= 0.25
    assert load.elapsed < 1


def one_is_refused(number):
    yield from [b"HTTP/1.1 429 Too Many\r\nContent-Length: 4\r\n\r\nbusy"] if number == 3 else ok(number)


def test_what_a_busy_server_refuses_is_never_answered_and_ends_nothing():
    with answering(one_is_refused) as port:
        load = open_loop(port, [REQUEST] * 20, 100, 1)
    assert (load.done, load.unanswered, load.refused) == (19, 1, 1)
    assert max(load.seconds) >= 0.15
    with answering(one_is_refused) as port:
        load = closed_loop(port, repeat(REQUEST), 1, 0.2)
    assert (load.unanswered, load.refused) == (0, 1)
    assert load.done > 3


def test_a_rate_is_of_what_was_done():
    assert Load([0.1, 0.2, 5.0], 1, 0, 2.0, 0.5).told()["rate"] == 1.0
    assert Load([0.1, 0.2, 5.0], 1, 0, 2.0, 0.5).told()["client_ms_each"] == 250
