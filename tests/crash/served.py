"""A real server in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

ROOT = Path(__file__).parents[2]
W = "/v1/workspaces/default"


@contextmanager
def served(data: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """(process, host and port) once it takes requests; ended by SIGTERM if it still runs."""
    command = [sys.executable, "-m", "server.cli", "serve", "--data", str(data), "--port", "0", "--json", *flags]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process, urlsplit(first_answer(process)["url"]).netloc
    finally:
        if process.returncode is None:
            process.terminate()
            process.communicate(timeout=60)


def first_answer(process: subprocess.Popen[str]) -> dict[str, Any]:
    """The JSON object that the process prints first, over however many lines."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if line.rstrip().endswith("}"):
            return dict(json.loads(text))
    raise AssertionError(f"the server did not start: {text}")


def send(connection: HTTPConnection, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
    """(status, answer)."""
    content = None if body is None else json.dumps(body)
    connection.request(method, path, content, {"Content-Type": "application/json"})
    response = connection.getresponse()
    return response.status, json.loads(response.read())
