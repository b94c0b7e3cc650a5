"""`python -m bench.peers NAME FILES FOLDER SECONDS FD`: a peer that answers over a socket, as `bench.peers.apart` asks.

SECONDS is what a count may take.
"""

from __future__ import annotations

import gc
import sys
from contextlib import closing
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.generate import Files
from bench.peers import Absent, Failed, Peer, start_of
from bench.peers.apart import Ready, answered


def main(arguments: list[str]) -> None:
    match arguments:
        case [name, files, folder, seconds, socket]:
            connection: Connection[Any, Any] = Connection(int(socket))
            try:
                peer = start_of(name)(Files(Path(files)), Path(folder))
            except Absent as reason:
                connection.send(reason)
                return
            with closing(peer):
                peer.limit(float(seconds))
                gc.collect()
                gc.freeze()
                connection.send(Ready(peer.version, peer.loading_seconds))
                serve(peer, connection)
        case _:
            sys.exit(__doc__)


def serve(peer: Peer, connection: Connection[Any, Any]) -> None:
    """Until whoever asks has gone."""
    while True:
        try:
            request = connection.recv()
        except (EOFError, ConnectionResetError):
            return
        try:
            answer: Any = answered(peer, request)
        except Failed as reason:
            answer = reason
        connection.send(answer)


if __name__ == "__main__":
    main(sys.argv[1:])
