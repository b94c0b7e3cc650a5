"""The process that is killed: `python -m tests.crash.worker DIR`.

It opens the directory, says on stdout what it found there (JSON), and then writes from four threads, with
checkpoints in between, saying `sent W N` before and `ack W N SEQ` after each batch. SIGTERM ends it in good order.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import threading
from collections import Counter
from pathlib import Path
from time import process_time

from engine.directory import Tamis
from engine.workspace import Workspace
from tests.crash.batches import SCHEMA, WRITERS, Marked, found

_speaking = threading.Lock()


def say(*words: object) -> None:
    """One whole line, out of this process before anything else happens."""
    with _speaking:
        os.write(1, (" ".join(map(str, words)) + "\n").encode())


def main(path: Path) -> None:
    stopping = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stopping.set())  # before anything is said: who hears it may end this
    started = process_time()
    tamis = Tamis.open(path)
    opened = process_time() - started  # of the processor: the machine may be busy with anything else
    workspace = tamis.workspace("default")
    rows = found(workspace)
    say(json.dumps({"seconds": opened, "seq": workspace.seq, "rows": rows}))
    if not workspace.schema.events:
        workspace.patch_schema(SCHEMA).result()
    threads = [
        threading.Thread(target=write, args=(workspace, writer, following(rows, writer), stopping))
        for writer in range(WRITERS)
    ]
    threads.append(threading.Thread(target=checkpoint, args=(workspace, stopping)))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    tamis.close()
    say("closed")


def following(rows: Counter[str], writer: int) -> int:
    """The number of a writer's next batch."""
    return 1 + max((int(name.split("-")[1]) for name in rows if name.startswith(f"{writer}-")), default=-1)


def write(workspace: Workspace, writer: int, number: int, stopping: threading.Event) -> None:
    while not stopping.is_set():
        batch = Marked(writer, number)
        say("sent", writer, number)
        say("ack", writer, number, batch.write(workspace).seq)
        number += 1


def checkpoint(workspace: Workspace, stopping: threading.Event) -> None:
    """Often enough that some kills fall into the middle of one."""
    while not stopping.wait(random.uniform(0.05, 0.4)):
        workspace.checkpoint()
        say("checkpoint")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
