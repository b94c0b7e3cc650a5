"""`tamis export`: every contact that matches, into a file or a pipe."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import click
from rich.text import Text

from formats.media import Format
from server.cli.backend import Question
from server.cli.command import Command, Names, expression_argument, question_options
from server.cli.session import Session
from server.cli.writers import form_of, write


@click.command(cls=Command)
@expression_argument
@question_options
@click.option("--output", "-o", type=click.Path(path_type=Path, dir_okay=False), help="the file; a pipe by default")
@click.option("--form", type=click.Choice([form.value for form in Format]), help="by the file's suffix, else csv")
@click.option("--fields", type=Names(), help="the fields to write, separated by commas; all by default")
@click.pass_obj
def export(
    session: Session,
    expression: str,
    params: tuple[tuple[str, Any], ...],
    at: str | None,
    output: Path | None,
    form: str | None,
    fields: list[str] | None,
) -> None:
    """Write every contact that EXPRESSION selects as CSV, NDJSON, Arrow or Parquet.

    The file appears when it is whole. Without --output the rows go to standard output.
    """
    chosen = Format(form) if form else form_of(output)
    with (
        session.backend() as backend,
        backend.stream(Question(expression, dict(params), at), fields) as rows,
        destination(output) as sink,
    ):
        written = write(rows, chosen, sink)
    if output is None:
        session.remark(f"{written:,} contacts")
    else:
        document = {"contacts": written, "file": str(output), "form": chosen.value}
        session.answer(document, Text(f"{written:,} contacts written to {output} as {chosen.value}"))


@contextmanager
def destination(output: Path | None) -> Iterator[BinaryIO]:
    """A file that takes its name once it is whole; standard output when there is none."""
    if output is None:
        yield sys.stdout.buffer
        return
    partial = output.with_name(f".{output.name}.partial")
    try:
        with partial.open("wb") as file:
            yield file
        os.replace(partial, output)
    finally:
        partial.unlink(missing_ok=True)
