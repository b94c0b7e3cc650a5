"""`tamis serve`: the HTTP server of a data directory."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from server.cli.command import Command
from server.cli.session import Session, print_json
from server.serve import serve as serve_until_stopped
from server.service import Limits
from server.settings import Settings

SERVING = (
    "data", "host", "port", "hosts", "workers", "body_limit", "running_limit", "import_limit",
    "query_budget", "cache_bytes", "warm_bytes", "query_timeout", "query_timeout_limit", "query_threads", "query_limit",
)  # fmt: skip
"""The settings of a command that serves."""


@click.command(cls=Command, settings=SERVING)
@click.pass_obj
def serve(session: Session) -> None:
    """Serve a data directory over HTTP until stopped.

    With --json, {"url": …} on standard output says that requests are taken.
    """
    run(session, welcome=lambda url: print_json({"url": url}) if session.as_json else None)


def run(session: Session, welcome: Callable[[str], None]) -> None:
    """Serves until a signal comes; `welcome` is told the address once requests are taken."""
    settings = session.settings
    serve_until_stopped(
        Path(settings.data),
        settings.host,
        settings.port,
        limits=limits_of(settings),
        budget_ms=settings.query_budget * 1000,
        cache_bytes=settings.cache_bytes,
        warm_bytes=settings.warm_bytes,
        hosts=[name.strip() for name in settings.hosts.split(",") if name.strip()],
        workers=settings.workers,
        say=session.remark,
        ready=welcome,
    )


def limits_of(settings: Settings) -> Limits:
    """The bounds of a server, as its settings have them."""
    return Limits(
        body=settings.body_limit,
        running=settings.running_limit,
        queued_jobs=settings.import_limit,
        timeout_ms=round(settings.query_timeout * 1000),
        longest_timeout_ms=round(settings.query_timeout_limit * 1000),
        query_threads=settings.query_threads,
        queued_queries=settings.query_limit,
    )
