"""`python -m bench.constant`: the same server as `tamis serve` has under it, with one route that answers a constant."""

from __future__ import annotations

import json
import socket

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.connection import HOST, W

ANSWER = b'{"count":12345,"total":1000000,"seq":1,"elapsed_ms":0.25}'
KEEP_ALIVE_SECONDS = 75


async def answer(request: Request) -> Response:
    return Response(ANSWER, media_type="application/json")


def main() -> None:
    routes = [Route("/readyz", answer), Route(f"{W}/query/count", answer, methods=["POST"])]
    with socket.create_server((HOST, 0)) as listening:
        print(json.dumps({"url": f"http://{HOST}:{listening.getsockname()[1]}"}), flush=True)
        config = uvicorn.Config(
            Starlette(routes=routes),
            log_level="warning",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_keep_alive=KEEP_ALIVE_SECONDS,
        )
        uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    main()
