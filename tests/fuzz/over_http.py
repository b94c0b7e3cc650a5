"""Requests that no client would send, to a real server: never a 500, and every refusal in the one form of errors.

    python -m tests.fuzz.over_http --seconds 3600 --seed 7

Every row of the routes table is asked, with bodies and options of the right names and any values.
"""

from __future__ import annotations

import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random, randrange
from time import monotonic
from typing import Any

import click
import httpx
import msgspec

from server.operations import Operation
from server.routes import ROUTES
from tests.cli.running_tamis import start_server
from tests.fuzz.by_grammar import JUNK, broken, texts
from tests.properties.expressions import Writer
from tests.properties.worlds import SCHEMA, Maker, Shape
from tests.subject import Subject

ENDLESS = ("text/event-stream",)
EXCLUDED = ("/keys",)
"""A key would close the open server to its own tester."""
PATIENCE = 30.0
POPULATION = 24
IDS = ("c1", "c2", "nobody", "rules", "child", "hand", "purchase", "k1", "é", "a/b", "..", "%", "x" * 300)
PLAIN = (None, True, False, 0, 1, -1, 2.5, 10**30, "", "c1", "FR", "purchase", "points", "-points", "2026-06-30", "🙂")
TYPES = ("application/json", "application/msgpack", "text/csv", "application/x-ndjson", "application/nonsense", "")
ACCEPTS = ("application/json", "application/msgpack", "text/csv", "application/x-ndjson", "*/*", "image/png", "")


class Client:
    """Draws requests; `send` refuses what a server must never answer."""

    def __init__(self, url: str, random: Random, writer: Writer) -> None:
        self.http = httpx.Client(base_url=url, timeout=PATIENCE)
        self.random, self.writer = random, writer
        self.operations = [operation for operation in ROUTES if is_fair(operation)]

    def send(self) -> int:
        """The status of the answer to one random request. AssertionError."""
        operation = self.random.choice(self.operations)
        request = self.http.build_request(
            operation.method,
            self._path(operation),
            params=self._options(operation),
            headers=self._headers(operation),
            content=self._body(operation),
        )
        asked = f"{request.method} {request.url} {dict(request.headers)}\n{request.content[:2000]!r}"
        try:
            answer = self.http.send(request)
        except httpx.TransportError as error:
            raise AssertionError(f"{error!r}\n{asked}") from None
        said = f"{answer.status_code} {answer.text[:500]}\n{asked}"
        assert answer.status_code < 500 or '"deadline-exceeded"' in answer.text, said
        if answer.status_code >= 400:
            document = (
                answer.json() if "json" in answer.headers["content-type"] else msgspec.msgpack.decode(answer.content)
            )
            assert {"code", "title", "status", "problems"} <= set(document), said
        return answer.status_code

    def _path(self, operation: Operation) -> str:
        def part(match: re.Match[str]) -> str:
            known = match[1] == "workspace" and self.random.random() < 0.95
            return "default" if known else self._quoted(self.random.choice(IDS))

        return re.sub(r"\{(\w+)\}", part, operation.path)

    def _quoted(self, text: str) -> str:
        return "".join(f"%{byte:02X}" for byte in text.encode())

    def _options(self, operation: Operation) -> dict[str, str]:
        if operation.shape.options is None:
            return {}
        names = [field.encode_name for field in msgspec.structs.fields(operation.shape.options)]
        chosen = self.random.sample(names, self.random.randrange(len(names) + 1))
        return {name: str(self._value(name, 1)) for name in chosen}

    def _headers(self, operation: Operation) -> dict[str, str]:
        usual = self.random.random() < 0.8
        type = (operation.streams_in or TYPES[:1])[0] if usual else self.random.choice(TYPES)
        headers = {"content-type": type, "accept": "*/*" if usual else self.random.choice(ACCEPTS)}
        for name in operation.heeds:
            if self.random.random() < 0.3:
                headers[name] = self.random.choice(("*", '"1"', "fr;q=0.5, en", "", "x,y"))
        return headers

    def _body(self, operation: Operation) -> bytes:
        if operation.method in ("GET", "DELETE"):
            return b""
        if self.random.random() < 0.05:
            return self.random.randbytes(self.random.randrange(200))
        encoded = msgspec.json.encode(self._struct(operation.shape.body))
        if self.random.random() < 0.05:
            return broken(encoded.decode(), self.random).encode("utf-8", "replace")
        return encoded

    def _struct(self, body: Any) -> Any:
        """An object with the names that a body has, where it is one; any rows else."""
        if not (isinstance(body, type) and issubclass(body, msgspec.Struct)) or self.random.random() < 0.03:
            kind = self.random.choice(("contacts", "companies", "events", "nothing"))
            return {kind: [self._row(kind) for _ in range(self.random.randrange(4))]}
        fields = msgspec.structs.fields(body)
        drawn = {field.encode_name: self._value(field.encode_name, 2) for field in fields if self._takes(field)}
        return drawn | ({"nonsense": 1} if self.random.random() < 0.02 else {})

    def _takes(self, field: Any) -> bool:
        return bool(field.required) or self.random.random() < 0.4

    def _row(self, kind: str) -> dict[str, Any]:
        fields = SCHEMA["events"]["purchase"] if kind == "events" else SCHEMA.get(kind, {})
        names = self.random.sample(sorted(fields), min(3, len(fields)))
        row = {name: self._value(name, 1) for name in [*names, "id"]}
        return row | ({"contact": "c1", "type": "purchase"} if kind == "events" else {})

    def _value(self, name: str, depth: int) -> Any:
        random = self.random
        if name == "expression" and random.random() < 0.9:
            return random.choice(texts(random, self.writer.expression())).encode("utf-8", "replace").decode()
        if name == "at" and random.random() < 0.8:
            return random.choice(("2026-06-30", "2026-06-30T10:00:00Z", "now", "9999-12-31T23:59:59Z", "0001-01-01"))
        if depth == 0 or random.random() < 0.6:
            return random.choice((*PLAIN, *IDS, random.choice(JUNK).encode("utf-8", "replace").decode()))
        if random.random() < 0.5:
            return [self._value(name, depth - 1) for _ in range(random.randrange(4))]
        return {str(random.choice(IDS)): self._value(name, depth - 1) for _ in range(random.randrange(3))}


def is_fair(operation: Operation) -> bool:
    return operation.gives != ENDLESS and not any(part in operation.path for part in EXCLUDED)


def furnish(folder: Path) -> Writer:
    """A data directory with a small world in it, and a writer of expressions over it."""
    subject = Subject(folder, {"timezone": "Europe/Paris", **SCHEMA})
    maker = Maker.draw(Random(7), subject.world.schema, Shape.MIXED, POPULATION)
    for write in maker.first_writes():
        subject.write(write)
    subject.workspace.put_segment("rules", {"name": "By rules", "expression": "did open"}).result()
    subject.close()
    return Writer(Random(7), maker.clock)


def fuzz(url: str, random: Random, writer: Writer, seconds: float, *, report: bool = False) -> Counter[int]:
    """How many answers of each status there were."""
    client = Client(url, random, Writer(random, writer.clock))
    tally: Counter[int] = Counter()
    until, said = monotonic() + seconds, monotonic()
    while monotonic() < until:
        tally[client.send()] += 1
        if report and monotonic() - said > 30:
            said = monotonic()
            click.echo(str(dict(sorted(tally.items()))), err=True)
    return tally


@click.command()
@click.option("--seconds", default=3600.0, show_default=True)
@click.option("--seed", type=int, help="Drawn when absent.")
def main(seconds: float, seed: int | None) -> None:
    """Stops at the first request that is answered wrongly, and shows it."""
    seed = randrange(1 << 32) if seed is None else seed
    click.echo(f"seed {seed}")
    with tempfile.TemporaryDirectory(prefix="tamis-fuzz-") as folder:
        data = Path(folder) / "data"
        writer = furnish(data)
        process, url = start_server(data)
        try:
            tally = fuzz(url, Random(seed), writer, seconds, report=True)
        except AssertionError as found:
            click.echo(f"FOUND {found}")
            sys.exit(1)
        finally:
            process.terminate()
            process.wait(30)
    click.echo(f"{tally.total()} requests, by status: {dict(sorted(tally.items()))}")


if __name__ == "__main__":
    main()
