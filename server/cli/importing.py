"""`tamis import`: a CSV, NDJSON or Parquet file, shown as it is understood before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Group
from rich.table import Table
from rich.text import Text

from dsl.problems import DataError
from dsl.schema import Schema, Type
from dsl.schema_json import schema_from_json
from formats.batch import Kind
from formats.event_types import parse_rule
from formats.inferred import Column, DateOrder, Inferred, ReadOptions, Role
from formats.inferring import infer
from formats.media import MEDIA, Format
from formats.roles import headers_in
from formats.rows import OnError
from server.cli.backend import Imported, Importing, Watch
from server.cli.command import Command
from server.cli.exits import Declined
from server.cli.rejected import Rejected, rows_of
from server.cli.session import Session

READABLE = [media.format.value for media in MEDIA if media.reads]
SHOWN_REJECTS = 20
"""Bad lines shown on the terminal; --rejects keeps all of them."""


class Pair(click.ParamType[tuple[str, str]]):
    """`left=right`."""

    name = "name=value"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        left, equals, right = value.rpartition("=")
        if not (left and equals and right):
            self.fail(f"'{value}' is not NAME=VALUE", param, ctx)
        return left, right


def _choice(values: Any) -> click.Choice[str]:
    return click.Choice([value.value for value in values])


@click.command("import", cls=Command)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--kind", type=_choice(Kind), required=True, help="what the rows are")
@click.option("--type", "event", metavar="EVENT", help="the event type of every row, where no column names it")
@click.option("--type-rule", "rules", metavar="RULE", multiple=True, help="'TYPE: COLUMN ~ PATTERN'; the first to fit")
@click.option("--format", type=click.Choice(READABLE), help="what the file is, where its name does not say")
@click.option("--encoding", help="such as utf-8 or cp1252")
@click.option("--delimiter", metavar="CHARACTER", help="between the cells of a CSV file")
@click.option("--decimal", type=click.Choice([".", ","]), help="the decimal mark of its numbers")
@click.option("--thousands", metavar="CHARACTER", help="what groups the digits of its numbers")
@click.option("--date-order", type=_choice(DateOrder), help="how dates such as 01/02/2026 are meant")
@click.option("--id-column", metavar="COLUMN", help="the column of ids")
@click.option("--at-column", metavar="COLUMN", help="the column of the events' moments")
@click.option("--type-column", metavar="COLUMN", help="the column of event types")
@click.option("--event-id-column", metavar="COLUMN", help="the column of event ids, for de-duplication")
@click.option("--id-columns", metavar="COLUMNS", help="make event ids of these columns; '*' means all")
@click.option("--company-column", metavar="COLUMN", help="the column of the contacts' companies")
@click.option("--column", "columns", type=Pair(), multiple=True, help="COLUMN=FIELD: a column goes to this field")
@click.option("--only", metavar="COLUMNS", help="the columns that become fields, separated by commas")
@click.option("--names", metavar="COLUMNS", help="the columns of a CSV file that has no header")
@click.option("--leave-out", metavar="COLUMN", multiple=True, help="a column not to import")
@click.option("--field", "types", type=Pair(), multiple=True, help="FIELD=TYPE: the type of a new field")
@click.option("--on-error", type=_choice(OnError), default="stop", show_default=True, help="what a bad line does")
@click.option("--rejects", type=click.Path(path_type=Path, dir_okay=False), help="a file for the bad lines")
@click.option("--unknown-contacts", type=click.Choice(["create", "reject"]), default="create", show_default=True)
@click.option("--yes", "-y", is_flag=True, help="do not ask before writing")
@click.option("--dry-run", is_flag=True, help="read everything, write nothing")
@click.pass_obj
def import_(session: Session, /, file: Path, kind: str, **given: Any) -> None:
    """Import FILE: contacts, companies or events from CSV, NDJSON or Parquet.

    What the file is taken to be is shown first: its columns, their fields and types, and what the schema would gain.
    Nothing is written if it is refused, or if a line is bad and --on-error is stop.
    """
    asked = Importing(
        file,
        Kind(kind),
        read_options(given),
        OnError(given["on_error"]),
        given["unknown_contacts"] == "create",
        given["rejects"],
    )
    dry_run: bool = given["dry_run"]
    with session.backend(create=not dry_run) as backend:
        schema = schema_from_json(backend.schema())
        inferred = infer(file, asked.kind, schema, asked.options)
        show(session, inferred)
        if inferred.problems:
            raise DataError(inferred.problems)
        if not dry_run:
            confirm(session, given["yes"])
        with watched(session) as watch:
            answer = rehearse(asked, inferred, schema, watch) if dry_run else backend.load(asked, inferred, watch)
    session.answer({"dry_run": dry_run, "inferred": inferred, **msgspec.to_builtins(answer)}, summary(answer, dry_run))


def read_options(given: dict[str, Any]) -> ReadOptions:
    """The options of the command as those of the reader."""
    columns: dict[str, str | None] = {**dict(given["columns"]), **dict.fromkeys(given["leave_out"])}
    return ReadOptions(
        format=Format(given["format"]) if given["format"] else None,
        date_order=DateOrder(given["date_order"]) if given["date_order"] else None,
        columns=columns,
        types={name: type_named(text) for name, text in given["types"]},
        encoding=given["encoding"],
        delimiter=given["delimiter"],
        decimal=given["decimal"],
        thousands=given["thousands"],
        key=given["id_column"],
        at=given["at_column"],
        event_type=given["type_column"],
        event_id=given["event_id_column"],
        company=given["company_column"],
        event=given["event"],
        type_rules=tuple(map(parse_rule, given["rules"])),
        id_columns=headers_in(given["id_columns"]) or (),
        names=headers_in(given["names"]),
        only=headers_in(given["only"]),
    )


def type_named(text: str) -> Type:
    try:
        return Type(text)
    except ValueError:
        raise click.BadParameter(f"'{text}' is no type; one of {', '.join(Type)}", param_hint="--field") from None


def show(session: Session, inferred: Inferred) -> None:
    """What the file is taken to be, on standard error: standard output is for the answer."""
    if not (session.as_json or session.quiet):
        session.err.print(inference(inferred))


def inference(inferred: Inferred) -> Group:
    rows = Table("column", "becomes", "type", "", "samples", box=SIMPLE_HEAD, pad_edge=False)
    for column in inferred.columns:
        rows.add_row(column.name, becomes(column), column_type(column), "new" if column.new else "", samples(column))
    notices = [
        Text(f"note: {notice.message}{f'; {notice.hint}' if notice.hint else ''}", style="dim")
        for notice in inferred.notices
    ]
    return Group(Text(dialect(inferred)), rows, *notices)


def dialect(inferred: Inferred) -> str:
    """`csv, utf-8, delimiter ';', decimal ',', dates day first; 1,200 rows looked at`."""
    said = [inferred.format.value]
    if inferred.format is Format.CSV:
        found = inferred.dialect
        delimiter = "tab" if found.delimiter == "\t" else f"'{found.delimiter}'"
        order = found.date_order.value.replace("_", " ")
        said += [found.encoding, f"delimiter {delimiter}", f"decimal '{found.decimal}'", f"dates {order}"]
    if inferred.event is not None:
        said.append(f"events of type {inferred.event}")
    said += [f"of type {rule.event} where {rule.column} ~ {rule.pattern}" for rule in inferred.type_rules]
    if inferred.id_columns:
        said.append(f"ids made of {', '.join(inferred.id_columns)}")
    return f"{', '.join(said)}; {inferred.sampled:,} rows looked at"


def becomes(column: Column) -> str:
    match column.role:
        case Role.FIELD:
            return str(column.field)
        case Role.LEFT_OUT:
            return "(left out)"
        case role:
            return f"({role.value.replace('_', ' ')})"


def column_type(column: Column) -> str:
    if column.type is None:
        return ""
    if column.type is Type.NUMBER:
        return f"number, {column.decimals} decimals"
    return f"tags between '{column.separator}'" if column.separator else column.type.value


def samples(column: Column) -> Text:
    return Text(" · ".join(column.samples), style="dim", overflow="ellipsis", no_wrap=True)


def confirm(session: Session, yes: bool) -> None:
    """Asks on a terminal; elsewhere the command itself is the answer."""
    if not yes and session.asks() and not click.confirm("Import it?", default=True, err=True):
        raise Declined("nothing was imported")


def rehearse(asked: Importing, inferred: Inferred, schema: Schema, watch: Watch) -> Imported:
    """Reads everything and writes nothing."""
    with Rejected(asked.rejects) as rejected:
        accepted = sum(len(batch) for batch in rows_of(asked, inferred, schema, rejected, watch))
    return rejected.imported(accepted)


@contextmanager
def watched(session: Session) -> Iterator[Watch]:
    """Moves a bar with the share that is read; once all is, it pulses until that is written."""
    with session.progress() as bar:
        task = bar.add_task("importing", total=100)

        def move(what: str, share: float) -> None:
            words, total = (what, 100) if share < 1 else ("indexing", None)
            bar.update(task, description=words, completed=round(share * 100), total=total)

        yield move
        bar.update(task, description="imported", completed=100, total=100)


def summary(answer: Imported, dry_run: bool) -> Text:
    """The first bad lines, then how many rows there were of each fate."""
    said = Text()
    for problem in answer.problems[:SHOWN_REJECTS]:
        said.append(f"{problem.message}{f'; {problem.hint}' if problem.hint else ''}\n", style="yellow")
    said.append(f"{answer.accepted:,} rows {'would be imported' if dry_run else 'imported'}", style="bold")
    said.append(f", {answer.rejected:,} rejected" if answer.rejected else "")
    said.append(f", {answer.duplicates:,} duplicates" if answer.duplicates else "")
    said.append(f", of {answer.read:,} read")
    for reason in answer.reasons:
        said.append(f"\n  {reason.rows:,} {reason.code}{f' in {reason.column}' if reason.column else ''}")
    return said
