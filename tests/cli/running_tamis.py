"""Running `tamis`: in this process, and as a server in one of its own."""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from click.testing import CliRunner

from server.cli import main
from server.serve import address_of

ROOT = Path(__file__).parents[2]


@dataclass
class Tamis:
    """Runs `tamis` in this process, with the flags that say whom to ask."""

    flags: list[str]

    def __call__(self, *arguments, exit=0, stdin=None):
        result = CliRunner().invoke(main, [*arguments, *self.flags], input=stdin, catch_exceptions=False)
        assert result.exit_code == exit, result.output
        return result

    def json(self, *arguments, exit=0):
        return json.loads(self(*arguments, "--json", exit=exit).stdout)


def start_server(data, *flags):
    """A real server of `data`: the process, once it answers, and its address."""
    command = [sys.executable, "-m", "server.cli", "serve", "--data", str(data), "--port", "0", *flags]
    process = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 90
    while (url := address_of(data)) is None:
        assert process.poll() is None, "the server ended"
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    return process, url
