"""A small HTTP client for a running server: JSON calls, streamed answers and streamed uploads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from io import RawIOBase
from typing import Any, Protocol
from urllib.parse import quote, urlencode, urlsplit

import msgspec

JSON = "application/json"


class Unreachable(Exception):
    """Nothing answers at that address, or the conversation broke off."""

    def __init__(self, url: str, reason: object) -> None:
        self.url = url
        super().__init__(f"no answer from {url}: {reason}")


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """An application/problem+json body, as every error of the server has one."""

    title: str = "Error"
    status: int = 0
    detail: str | None = None
    code: str = "unknown"
    problems: list[dict[str, Any]] = []


class Refused(Exception):
    """The server answered with an error."""

    def __init__(self, status: int, trouble: Trouble) -> None:
        self.status = status
        self.trouble = trouble
        super().__init__(trouble.detail or trouble.title)


class Readable(Protocol):
    """A body sent as it is read, so that its size does not matter."""

    def read(self, size: int = -1, /) -> bytes: ...


class Answer(RawIOBase):
    """The body of an answer as a file. Raises Unreachable where it ends before it is whole."""

    def __init__(self, response: HTTPResponse, url: str) -> None:
        self._response = response
        self._url = url

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        try:
            return self._response.readinto(buffer)
        except (HTTPException, OSError) as error:
            raise Unreachable(self._url, error) from error


def path(*segments: str) -> str:
    """`/v1/a/b%20c` for ("a", "b c")."""
    return "/v1/" + "/".join(quote(segment, safe="") for segment in segments)


class Client:
    """Speaks to one server. Each call is its own connection: nothing is kept open between commands."""

    def __init__(self, url: str, key: str | None = None, timeout: float = 60.0) -> None:
        self.url = url
        self._secure, self._host, self._port, self._prefix = _parsed(url)
        self._key = key
        self._timeout = timeout

    def call(self, method: str, path: str, body: Any = None, headers: Mapping[str, str] | None = None) -> Any:
        """Sends `body` as JSON and decodes the answer; None when the answer has no body."""
        content = None if body is None else msgspec.json.encode(body)
        sent = {"Content-Type": JSON, **(headers or {})} if content is not None else dict(headers or {})
        with self.open(method, path, content, {"Accept": JSON, **sent}) as response:
            answer = response.read()
        return msgspec.json.decode(answer) if answer else None

    @contextmanager
    def open(
        self,
        method: str,
        path: str,
        body: bytes | Readable | None = None,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str | Sequence[str]] | None = None,
    ) -> Iterator[Answer]:
        """The answer, to be read as it arrives. A readable body is sent in chunks.

        Raises Refused for an error answer and Unreachable when there is none, or when it breaks off while read.
        """
        connection = self._connection()
        target = self._prefix + path + (f"?{urlencode(query, doseq=True)}" if query else "")
        try:
            with suppress(BrokenPipeError, ConnectionResetError):  # refused half way: the answer says why
                connection.request(method, target, body, self._headers(headers))
            response = connection.getresponse()
            if response.status >= 400:
                with closing(connection):
                    raise Refused(response.status, _trouble(response))
        except (HTTPException, OSError) as error:
            connection.close()
            raise Unreachable(self.url, error) from error
        try:
            yield Answer(response, self.url)
        finally:
            connection.close()

    def _connection(self) -> HTTPConnection:
        kind = HTTPSConnection if self._secure else HTTPConnection
        return kind(self._host, self._port, timeout=self._timeout)

    def _headers(self, given: Mapping[str, str] | None) -> dict[str, str]:
        authorization = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        return {**authorization, **(given or {})}


def _parsed(url: str) -> tuple[bool, str, int | None, str]:
    """Whether it is HTTPS, then host, port and path prefix; Unreachable for what is no address."""
    try:
        parts = urlsplit(url if "//" in url else f"http://{url}")
        if parts.scheme in ("http", "https") and parts.hostname and " " not in parts.netloc:
            return parts.scheme == "https", parts.hostname, parts.port, parts.path.rstrip("/")
    except ValueError as error:
        raise Unreachable(url, error) from error
    raise Unreachable(url, "an address looks like http://127.0.0.1:8420")


def _trouble(response: HTTPResponse) -> Trouble:
    """The problem document of an error answer; a plain one is made of anything else a proxy may send."""
    try:
        return msgspec.json.decode(response.read(), type=Trouble)
    except msgspec.DecodeError:
        return Trouble(title=f"HTTP {response.status} {response.reason}", status=response.status)
