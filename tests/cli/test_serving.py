"""A real server process: locks, keys, signals."""

import json
import signal
import subprocess
import sys
import urllib.request

from running_tamis import ROOT, Tamis, start_server

from server.serve import address_of


def test_a_directory_held_by_a_server_says_whom_to_ask(server):
    data, url = server
    result = Tamis(["--data", str(data)])("count", "everyone", exit=6)
    assert f"--url {url}" in result.stderr
    assert Tamis(["--data", str(data)]).json("count", "everyone", exit=6)["code"] == "locked"


def test_a_missing_directory_is_not_made_by_a_question(tmp_path):
    Tamis(["--data", str(tmp_path / "absent")])("count", "everyone", exit=5)
    assert not (tmp_path / "absent").exists()


def test_nobody_at_the_address(tmp_path):
    assert "no answer" in Tamis(["--url", "http://127.0.0.1:9"])("count", "everyone", exit=7).stderr
    Tamis(["--url", "nonsense://"])("count", "everyone", exit=7)


def test_a_key_is_needed_once_there_is_one(tmp_path):
    data = tmp_path / "data"
    key = Tamis(["--data", str(data)]).json("keys", "create", "reader")["key"]
    process, url = start_server(data)
    try:
        Tamis(["--url", url])("count", "everyone", exit=7)
        Tamis(["--url", url, "--key", "wrong"])("count", "everyone", exit=7)
        asking = Tamis(["--url", url, "--key", key])
        assert asking.json("count", "everyone")["count"] == 0
        asking("schema", "patch", "{}", exit=7)
    finally:
        process.terminate()
    assert process.wait(30) == 0
    assert address_of(data) is None


def test_serve_says_as_json_where_it_is_and_ends_on_sigint(tmp_path):
    command = [sys.executable, "-m", "server.cli", "serve", "--data", str(tmp_path / "d"), "--port", "0", "--json"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        lines = [process.stdout.readline() for _ in range(3)]
        url = json.loads("".join(lines))["url"]
        assert urllib.request.urlopen(f"{url}/healthz", timeout=30).status == 200
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 0


def test_an_address_that_is_taken_is_said_in_one_line(server, tmp_path):
    port = server[1].rsplit(":", 1)[1]
    result = Tamis(["--data", str(tmp_path / "other")])("serve", "--port", port, exit=7)
    assert port in result.stderr
    assert "Traceback" not in result.output
