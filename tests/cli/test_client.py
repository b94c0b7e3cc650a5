"""The HTTP client against a server that misbehaves on request."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from server.client import Client, Refused, Unreachable, path


class Handler(BaseHTTPRequestHandler):
    """Answers by path; what it was sent is kept in `server.seen`."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        match self.path:
            case "/prefix/json":
                self.reply(200, b'{"a": [1]}')
            case "/empty":
                self.reply(204, b"")
            case "/refused":
                self.reply(422, b'{"title": "No", "status": 422, "code": "invalid", "detail": "why", "problems": []}')
            case "/proxy":
                self.reply(502, b"<html>bad gateway</html>")
            case "/cut":
                self.send_response(200)
                self.send_header("Transfer-Encoding", "chunked")
                self.end_headers()
                self.wfile.write(b"5\r\nhello\r\n")
                self.close_connection = True

    def do_POST(self):
        self.server.seen = (self.headers, self.body())
        self.reply(200, b"null")

    def body(self):
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while (size := int(self.rfile.readline(), 16)) > 0:
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        return b"".join(parts)

    def reply(self, status, content):
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        """Says nothing."""


@contextmanager
def listening():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def server():
    with listening() as server:
        yield server


@pytest.fixture
def url(server):
    return f"http://127.0.0.1:{server.server_address[1]}"


def test_a_call_decodes_json_under_the_prefix_of_its_address(url):
    assert Client(f"{url}/prefix/").call("GET", "/json") == {"a": [1]}
    assert Client(url.removeprefix("http://")).call("GET", "/empty") is None


def test_a_body_goes_as_json_with_the_key(server, url):
    Client(url, key="secret").call("POST", "/", {"name": "é"})
    headers, body = server.seen
    assert (headers["Authorization"], headers["Content-Type"]) == ("Bearer secret", "application/json")
    assert body == '{"name":"é"}'.encode()


def test_a_file_is_sent_as_it_is_read(server, url, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(bytes(300_000))
    with file.open("rb") as body, Client(url).open("POST", "/", body) as answer:
        assert answer.read() == b"null"
    assert server.seen[1] == bytes(300_000)


def test_an_error_answer_is_raised_with_its_problem_document(url):
    with pytest.raises(Refused, match="why") as caught:
        Client(url).call("GET", "/refused")
    assert (caught.value.status, caught.value.trouble.code) == (422, "invalid")


def test_an_error_answer_that_is_no_problem_document_is_raised_all_the_same(url):
    with pytest.raises(Refused, match="HTTP 502"):
        Client(url).call("GET", "/proxy")


def test_an_answer_that_breaks_off_is_never_taken_for_a_whole_one(url):
    with Client(url).open("GET", "/cut") as answer, pytest.raises(Unreachable):
        answer.read()


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:9", "ftp://127.0.0.1", "http://", "no such host:1", "http://x:port"]
)
def test_an_address_where_nobody_answers(address):
    with pytest.raises(Unreachable):
        Client(address, timeout=2).call("GET", "/")


def test_names_in_a_path_are_quoted():
    assert path("workspaces", "a/b c", "é") == "/v1/workspaces/a%2Fb%20c/%C3%A9"
