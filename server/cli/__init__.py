"""The command line: `tamis`. One command a file; each asks a backend and shows its answer."""

from __future__ import annotations

import click

from server.cli.check import check
from server.cli.complete import complete
from server.cli.completion import completion
from server.cli.count import count
from server.cli.demo import demo
from server.cli.describe import describe
from server.cli.exits import Exit
from server.cli.explain import explain
from server.cli.export import export
from server.cli.format import format_
from server.cli.importing import import_
from server.cli.keys import keys
from server.cli.limits import limits
from server.cli.parse import parse
from server.cli.queries import queries
from server.cli.query import query
from server.cli.repl.command import repl
from server.cli.schema import schema
from server.cli.segments import segments
from server.cli.serve import serve
from server.cli.settings import settings
from server.cli.test import test
from server.cli.translate import translate
from server.cli.why import why

COMMANDS = (
    demo, serve, import_, repl, count, query, explain, why, export, check, test, format_, parse, translate,
    describe, complete, segments, queries, schema, limits, keys, settings, completion,
)  # fmt: skip


def _epilog() -> str:
    """The table of exit codes. `\\b` keeps click from filling its lines."""
    codes = "\n".join(f"  {int(code):>3}  {code.meaning}" for code in Exit)
    return f"\b\nExit codes:\n{codes}"


class InOrder(click.Group):
    """Lists its commands in the order in which people meet them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder, epilog=_epilog(), context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="tamis", prog_name="tamis")
def main() -> None:
    """Tamis answers: which contacts match this expression, right now?

    Every command asks a data directory (--data DIR) or a running server (--url URL). An EXPRESSION is given as it
    is, from a file (@FILE), or on standard input (-).
    """


for _command in COMMANDS:
    main.add_command(_command)
