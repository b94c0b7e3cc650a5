"""The meters, to be scraped."""

from __future__ import annotations

from prometheus_client import generate_latest
from starlette.responses import Response

from server.operations import Call

TEXT = "text/plain; version=0.0.4; charset=utf-8"


async def metrics(call: Call) -> Response:
    """All meters, as Prometheus reads them."""
    return Response(generate_latest(call.service.meters.registry), headers={"Content-Type": TEXT})
