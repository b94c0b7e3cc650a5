"""Several processes behind one address: whoever is asked gives the answer that one process alone would give."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count as numbers
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest

from tests.cli.running_tamis import start_server
from tests.server.answers import CONTACTS, SCHEMA, count, ok, problem

NAMES = (f"w{n}" for n in numbers())
ANSWERED = re.compile(
    r'tamis_requests_total\{method="POST",route="[^"]*/query/count",status="200",worker="(\d)"\} (\S+)'
)


@dataclass
class Site:
    """A server of several processes, and clients that keep one connection each, shared out among its workers."""

    process: subprocess.Popen[bytes]
    url: str
    clients: list[httpx.Client]

    @property
    def workers(self) -> list[int]:
        """The processes beside the one that writes."""
        found = Path(f"/proc/{self.process.pid}/task").glob("*/children")
        return sorted(int(pid) for path in found for pid in path.read_text().split())

    def answered(self) -> Counter[str]:
        """How many counts each worker has answered."""
        text = self.clients[0].get(f"{self.url}/metrics").text
        return Counter({worker: int(float(number)) for worker, number in ANSWERED.findall(text)})

    def workspace(self) -> list[httpx.Client]:
        """Clients of a new workspace with a schema and three contacts, one for each connection."""
        path = f"{self.url}/v1/workspaces/{next(NAMES)}/"
        ok(self.clients[0].put(path.rstrip("/")), 201)
        for client in self.clients:
            client.base_url = httpx.URL(path)
        ok(self.clients[0].patch("schema", json=SCHEMA))
        ok(self.clients[1].post("contacts", json={"contacts": CONTACTS}))
        return self.clients


@contextmanager
def site_of(data: Path, *flags: str, clients: int = 4) -> Iterator[Site]:
    with ExitStack() as stack:
        process, url = start_server(data, "--workers", "2", *flags)
        stack.callback(process.wait)
        stack.callback(process.kill)
        opened = [stack.enter_context(httpx.Client(timeout=30)) for _ in range(clients)]
        for client in opened:
            ok(client.get(f"{url}/healthz"))
        yield Site(process, url, opened)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with site_of(tmp_path_factory.mktemp("data")) as found:
        yield found


@pytest.fixture
def apis(site: Site) -> list[httpx.Client]:
    return site.workspace()


def eventually(holds: Callable[[], bool], seconds: float = 90.0) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)


# --- answers ---------------------------------------------------------------------------------------------------------


def test_connections_are_shared_out_evenly(site: Site, apis: list[httpx.Client]) -> None:
    before = site.answered()
    for api in apis:
        for _ in range(5):
            count(api, "everyone")
    assert site.answered() - before == {"1": 10, "2": 10}


def test_what_was_written_is_read_anywhere_with_min_seq(site: Site, apis: list[httpx.Client]) -> None:
    """Each of four writes by its own connection and reads by another's, all at a time."""
    before = site.answered()

    def write_and_read(number: int) -> None:
        with httpx.Client(base_url=apis[0].base_url, timeout=30) as other:
            for round in range(15):
                row = {"id": f"{number}-{round}", "email": f"{number}-{round}@x", "points": round}
                seq = ok(apis[number].post("contacts", json={"contacts": [row]}))["seq"]
                assert count(other, f'email = "{number}-{round}@x"', min_seq=seq) == 1
                found = ok(
                    other.post("query/contacts", json={"expression": f'email like "{number}-%"', "min_seq": seq})
                )
                assert found["count"] == round + 1

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write_and_read, range(4)))
    assert (site.answered() - before).keys() == {"1", "2"}


def test_what_was_written_by_a_connection_is_read_by_it_at_once(apis: list[httpx.Client]) -> None:
    for round in range(10):
        for number, api in enumerate(apis):
            id = f"{number}-{round}"
            ok(api.post("contacts", json={"contacts": [{"id": id, "email": id}]}))
            assert count(api, f'email = "{id}"') == 1
            assert ok(api.get(f"contacts/{id}"))["email"] == id


def test_a_state_that_never_comes_is_refused_by_all(apis: list[httpx.Client]) -> None:
    never = {"expression": "everyone", "min_seq": 10_000, "timeout_ms": 50}
    for api in apis:
        problem(api.post("query/count", json=never), 503, "deadline-exceeded")
    problem(apis[0].post("query/count", json={**never, "timeout_ms": 20_000}), 409, "not-yet-applied")


def test_schema_segments_overrides_and_budgets_hold_everywhere(apis: list[httpx.Client]) -> None:
    writer, reader = apis[1], apis[0]
    for one, other in ((writer, reader), (reader, writer)):
        field = f"zip{apis.index(one)}"
        seq = ok(one.patch("schema", json={"contacts": {field: {"type": "text"}}}))["seq"]
        assert count(other, f"{field} is unknown", min_seq=seq) == 3
        assert field in ok(other.get("schema"))["contacts"]
        key = f"s{apis.index(one)}"
        ok(one.put(f"segments/{key}", json={"expression": 'country = "FR"'}), 201)
        assert ok(one.get(f"segments/{key}"))["count"] == 2
        seq = ok(one.post(f"segments/{key}/members", json={"add": ["c3"], "remove": ["c1"]}))["seq"]
        assert count(other, f"in segment {key}", min_seq=seq) == 2
        assert ok(other.get(f"segments/{key}/contacts/c3")) == {"member": True}
        seq = ok(one.delete(f"segments/{key}"))["seq"]
        refused = other.post("query/count", json={"expression": f"in segment {key}", "min_seq": seq})
        problem(refused, 422, "invalid-expression")
        ok(one.patch("limits", json={"budget_ms": 7.5}))
        assert ok(other.get("limits")) == {"budget_ms": 7.5, "own": True}
        ok(one.patch("limits", json={"budget_ms": None}))
        assert ok(other.get("limits"))["own"] is False


def test_all_count_the_same_at_the_same_state_after_any_writes(apis: list[httpx.Client]) -> None:
    """Written by any, asked of all; what is to be found is kept here in a dictionary."""
    random = Random(20261122)
    model = {contact["id"]: contact.get("points", -1) for contact in CONTACTS}
    for _ in range(12):
        writer = random.choice(apis)
        if len(model) > 5 and random.random() < 0.3:
            gone = random.choice(sorted(model))
            del model[gone]
            seq = ok(writer.delete(f"contacts/{gone}"))["seq"]
        else:
            fresh = {f"r{random.randrange(30)}": random.randrange(100) for _ in range(random.randrange(1, 20))}
            model |= fresh
            rows = [{"id": id, "points": points} for id, points in fresh.items()]
            seq = ok(writer.post("contacts", json={"contacts": rows}))["seq"]
        least = random.randrange(100)
        expected = sum(points >= least for points in model.values())
        for api in apis:
            found = ok(api.post("query/count", json={"expression": f"points >= {least}", "min_seq": seq}))
            assert (found["count"], found["total"], found["seq"]) == (expected, len(model), seq)


def test_errors_are_those_of_one_process(site: Site, apis: list[httpx.Client]) -> None:
    for api in apis:
        problem(api.post("query/count", json={"expression": "color = 1"}), 422, "invalid-expression")
        problem(api.get("contacts/ghost"), 404, "unknown-contact")
        problem(api.delete("contacts/ghost"), 404, "unknown-contact")
        problem(api.put("query/count"), 405, "method-not-allowed")
        problem(api.post("contacts", content=b"{", headers={"content-type": "application/json"}), 400, "malformed")
        problem(api.get(f"{site.url}/v1/workspaces/ghost/schema"), 404, "unknown-workspace")
        problem(api.post(f"{site.url}/v1/workspaces/ghost/contacts", json={"contacts": []}), 404, "unknown-workspace")
        problem(api.get("jobs/ghost"), 404, "unknown-job")
        problem(api.get(f"{site.url}/healthz", headers={"host": "elsewhere.example"}), 403, "foreign-host")


def test_a_retried_write_is_made_once_whoever_takes_it(apis: list[httpx.Client]) -> None:
    headers = {"Idempotency-Key": "once"}
    event = {"events": [{"contact": "c1", "type": "open"}]}
    first, *others = (api.post("events", json=event, headers=headers) for api in apis)
    assert [other.json() for other in others] == [first.json()] * 3
    assert count(apis[0], "did open exactly 1 times", min_seq=ok(first)["seq"]) == 1


def test_ids_keep_their_slashes_on_the_way(apis: list[httpx.Client]) -> None:
    for api in apis:
        ok(api.post("contacts", json={"contacts": [{"id": "a/b c", "country": "IT"}]}))
        assert ok(api.get("contacts/a%2Fb%20c"))["country"] == "IT"
        ok(api.delete("contacts/a%2Fb%20c"))
        problem(api.get("contacts/a%2Fb%20c"), 404, "unknown-contact")


# --- imports, erasure, streams ---------------------------------------------------------------------------------------


def imported(api: httpx.Client, text: str, **options: str) -> dict[str, Any]:
    """The job of an import, once it has ended; watched as a stream."""
    job = ok(api.post("imports", params=options, content=text.encode(), headers={"content-type": "text/csv"}), 202)
    with api.stream("GET", f"jobs/{job['id']}/stream") as events:
        assert "event: job" in list(events.iter_lines())
    done: dict[str, Any] = ok(api.get(f"jobs/{job['id']}"))
    assert done["state"] == "done", done
    return done


def test_imports_checkpoints_and_erasures_while_all_answer(apis: list[httpx.Client]) -> None:
    wrong: list[str] = []
    stop = threading.Event()

    def watch(base: httpx.URL) -> None:
        """Counts and states only grow until something is erased; half an import is never seen."""
        with httpx.Client(base_url=base, timeout=30) as api:
            seq = seen = 0
            while not stop.is_set():
                found = ok(api.post("query/count", json={"expression": "everyone"}))
                if found["seq"] < seq or found["count"] < seen or (found["count"] - 3) % 3000:
                    wrong.append(f"{found} after {seen} at {seq}")
                seq, seen = found["seq"], found["count"]

    watchers = [threading.Thread(target=watch, args=(apis[0].base_url,)) for _ in range(2)]
    for watcher in watchers:
        watcher.start()
    try:
        for part, api in enumerate(apis[:3]):
            rows = "".join(f"p{part}-{n},{'FR' if n % 2 else 'BE'}\n" for n in range(3000))
            assert imported(api, "id,country\n" + rows, kind="contacts")["accepted"] == 3000
            assert count(api, "everyone") == 3 + 3000 * (part + 1)
        opens = "".join(f"p0-{n},2026-11-01T10:00:00Z\n" for n in range(3000))
        assert imported(apis[1], "contact,at\n" + opens, kind="events", type="open")["accepted"] == 3000
    finally:
        stop.set()
        for watcher in watchers:
            watcher.join()
    assert wrong == []
    seq = ok(apis[0].delete("contacts/p0-1"))["seq"]
    for api in apis:
        assert count(api, "did open", min_seq=seq) == 2999
        assert count(api, 'country = "FR"', min_seq=seq) == 4501
        problem(api.get("contacts/p0-1"), 404, "unknown-contact")


def test_running_queries_of_all_are_listed_and_cancelled(apis: list[httpx.Client]) -> None:
    """An export that nobody reads runs until it is cancelled."""
    rows = "".join(f"x{n},{'long ' * 200}\n" for n in range(30_000))
    imported(apis[0], "id,text\n" + rows, kind="contacts")
    seq = ok(apis[0].post("query/count", json={"expression": "everyone"}))["seq"]
    everyone = {"expression": "everyone", "min_seq": seq}
    with ExitStack() as stack:
        for number, api in enumerate(apis[:2]):
            headers = {"X-Query-Id": f"export-{number}"}
            stack.enter_context(api.stream("POST", "query/export", json=everyone, headers=headers))
        for api in apis[2:]:
            assert {query["id"] for query in ok(api.get("queries"))["queries"]} == {"export-0", "export-1"}
        for number, api in enumerate(apis[2:]):
            assert ok(api.post(f"queries/export-{number}/cancel"))["id"] == f"export-{number}"
        problem(apis[2].post("queries/export-7/cancel"), 404, "unknown-query")
    eventually(lambda: ok(apis[3].get("queries")) == {"queries": []})


def test_exports_are_whole_from_every_process(apis: list[httpx.Client]) -> None:
    for api in apis:
        with api.stream(
            "POST", "query/export", json={"expression": "everyone"}, headers={"accept": "text/csv"}
        ) as flow:
            assert len(list(flow.iter_lines())) == 4


def test_a_key_that_was_revoked_opens_nothing_at_any_of_them(site: Site, apis: list[httpx.Client]) -> None:
    """Without a key the server is open: it is again once the last one has gone."""
    everyone = {"expression": "everyone"}
    admin = ok(apis[1].post("keys", json={"name": "boss", "scopes": ["admin", "read"]}), 201)
    boss = {"Authorization": f"Bearer {admin['key']}"}
    try:
        for api in apis:
            problem(api.post("query/count", json=everyone), 401, "key-needed")
            assert ok(api.post("query/count", json=everyone, headers=boss))["count"] == 3
        for giver in apis:
            made = ok(giver.post("keys", json={"name": "reader", "scopes": ["read"]}, headers=boss), 201)
            reader = {"Authorization": f"Bearer {made['key']}"}
            for api in apis:
                ok(api.post("query/count", json=everyone, headers=reader))
            ok(giver.delete(f"keys/{made['id']}", headers=boss))
            for api in apis:
                problem(api.post("query/count", json=everyone, headers=reader), 401, "key-unknown")
    finally:
        ok(apis[0].delete(f"keys/{admin['id']}", headers=boss))
    assert [count(api, "everyone") for api in apis] == [3] * 4


# --- lives and deaths ------------------------------------------------------------------------------------------------


def test_a_worker_that_dies_is_replaced_and_nothing_outlives_the_one_that_writes(tmp_path: Path) -> None:
    with site_of(tmp_path) as site:
        api, *_ = site.workspace()
        [worker] = site.workers
        os.kill(worker, signal.SIGKILL)
        eventually(lambda: not httpx.get(f"{site.url}/readyz").json()["ready"])
        eventually(lambda: site.workers not in ([], [worker]))
        eventually(lambda: httpx.get(f"{site.url}/readyz").json()["ready"])
        with ExitStack() as stack:
            clients = [stack.enter_context(httpx.Client(base_url=api.base_url, timeout=30)) for _ in range(4)]
            seq = ok(clients[0].post("contacts", json={"contacts": [{"id": "new"}]}))["seq"]
            assert [count(client, "everyone", min_seq=seq) for client in clients] == [4] * 4
            assert site.answered().keys() == {"1", "2"}
        [worker] = site.workers
        site.process.kill()
        site.process.wait()
        eventually(lambda: not Path(f"/proc/{worker}").exists())
    (tmp_path / "address").unlink()
    with site_of(tmp_path) as site:
        assert count(httpx.Client(base_url=api.base_url.copy_with(port=httpx.URL(site.url).port)), "everyone") == 4
        [worker] = site.workers
        finished(site)
        assert not Path(f"/proc/{worker}").exists()


def finished(site: Site) -> None:
    """A body that is still being sent to each worker when the signal comes is written all the same."""
    port = httpx.URL(site.url).port or 0
    body = b'{"contacts": [{"id": "late"}]}'
    head = f"POST /v1/workspaces/default/contacts HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n"
    sending = [socket.create_connection(("127.0.0.1", port)) for _ in range(2)]
    for each in sending:
        each.sendall(f"{head}Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n".encode())
        assert each.recv(4096) == b"HTTP/1.1 100 Continue\r\n\r\n"
        each.sendall(body[:10])
    site.process.send_signal(signal.SIGTERM)
    time.sleep(0.3)
    for each in sending:
        each.sendall(body[10:])
        with each:
            assert each.recv(4096).startswith(b"HTTP/1.1 200")
    assert site.process.wait(20) == 0
