"""Load on a server from several connections, by one thread: closed loop, and open loop at a fixed rate.

In a closed loop a connection asks again once it is answered, so that a slow server is asked less: good for throughput,
blind to waiting. In an open loop requests are due at moments fixed beforehand, and each is timed from when it was due,
whether or not a connection was free then, so that what waits behind a slow answer counts as slow, too (no "coordinated
omission": Gil Tene, "How NOT to Measure Latency", and wrk2, https://github.com/giltene/wrk2; Schroeder, Wierman and
Harchol-Balter, "Open Versus Closed: A Cautionary Tale", NSDI 2006).
"""

from __future__ import annotations

import select
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from time import perf_counter, process_time
from typing import Any

from bench.connection import PATIENCE, Connection, TooBusy
from bench.timing import Times

LATE = 1.0
"""How much longer than planned an open loop goes on, as a share, for the answers it still waits for."""


@dataclass(frozen=True, slots=True)
class Load:
    """Seconds of each request; of those not answered in the end, what they had waited until then, and would have,
    where they were `refused`. `own_seconds` is processor time of the client."""

    seconds: Sequence[float]
    unanswered: int
    refused: int
    elapsed: float
    own_seconds: float

    @property
    def done(self) -> int:
        return len(self.seconds) - self.unanswered

    def told(self) -> dict[str, Any]:
        return {
            "times": asdict(Times.of(self.seconds)),
            "done": self.done,
            "unanswered": self.unanswered,
            "refused": self.refused,
            "rate": self.done / self.elapsed,
            "client_ms_each": self.own_seconds * 1000 / max(self.done, 1),
        }


def closed_loop(port: int, requests: Iterator[bytes], connections: int, seconds: float) -> Load:
    """What a busy server refuses is not done, and asked no more. Raises Refused."""
    idle = [Connection(port) for _ in range(connections)]
    asked = list(islice(requests, connections))
    sent: dict[Connection, float] = {}
    taken: list[float] = []
    refused = 0
    started, own = perf_counter(), process_time()
    for connection, request in zip(idle, asked, strict=True):
        sent[connection] = perf_counter()
        connection.send(request)
    while sent:
        for connection in ready(list(sent), PATIENCE):
            try:
                if connection.receive() is None:
                    continue
                now = perf_counter()
                taken.append(now - sent.pop(connection))
            except TooBusy:
                now, refused = perf_counter(), refused + 1
                del sent[connection]
            if now - started < seconds:
                sent[connection] = now
                connection.send(next(requests))
    load = Load(taken, 0, refused, perf_counter() - started, process_time() - own)
    for connection in idle:
        connection.close()
    return load


def open_loop(port: int, requests: Sequence[bytes], rate: float, connections: int) -> Load:
    """Each request due `1 / rate` seconds after the one before. One that a busy server refuses is never answered.
    Raises Refused."""
    every = [Connection(port) for _ in range(connections)]
    idle, due_of = deque(every), dict[Connection, float]()
    taken: list[float] = []
    refused: list[float] = []
    next_one, total = 0, len(requests)
    started, own = perf_counter(), process_time()
    ends = total / rate * (1 + LATE)
    while next_one < total or due_of:
        now = perf_counter() - started
        if now > ends:
            break
        while idle and next_one < total and next_one / rate <= now:
            connection = idle.popleft()
            due_of[connection] = next_one / rate
            connection.send(requests[next_one])
            next_one += 1
        until = next_one / rate if idle and next_one < total else ends
        for connection in ready(list(due_of), max(until - (perf_counter() - started), 0.0)):
            try:
                if connection.receive() is None:
                    continue
                taken.append(perf_counter() - started - due_of.pop(connection))
            except TooBusy:
                refused.append(due_of.pop(connection))
            idle.append(connection)
    elapsed, own = perf_counter() - started, process_time() - own
    never_asked = (number / rate for number in range(next_one, total))
    waiting = [elapsed - due for due in (*due_of.values(), *refused, *never_asked)]
    for connection in every:
        connection.close()
    return Load(taken + waiting, len(waiting), len(refused), elapsed, own)


def ready(connections: list[Connection], seconds: float) -> list[Connection]:
    """Those with something to receive, at the latest after `seconds`, to the microsecond: unlike `epoll` in Python,
    `select` does not round up to milliseconds."""
    return select.select(connections, (), (), seconds)[0]
