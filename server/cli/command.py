"""The frame of every command: its common options, its session, and what an error does to the exit code."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from server.cli.exits import KNOWN, Exit
from server.cli.session import Session, tell
from server.settings import Setting, resolve, table

WORKSPACE = ("data", "workspace", "url", "key", "timeout", "query_budget")
"""The settings of a command that speaks to a workspace."""

FLAG = "setting_"
"""Keeps the flags of settings apart from a command's own parameters."""


class Command(click.Command):
    """A command whose function receives a `Session` first.

    `settings` names the settings it takes as flags. `--config`, `--json` and `--quiet` come with every command. A
    foreseen error is shown and ends with its exit code; any other keeps its traceback.
    """

    def __init__(self, *args: Any, settings: Sequence[str] = WORKSPACE, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = {row.name: row for row in table()}
        self.params += [*(_flag(rows[name]) for name in settings), *_everywhere()]

    def invoke(self, ctx: click.Context) -> Any:
        flags = {row.name: ctx.params.pop(FLAG + row.name, None) for row in table()}
        config, as_json, quiet = (ctx.params.pop(name) for name in ("config", "json", "quiet"))
        try:
            ctx.obj = Session(resolve(flags, os.environ, config), as_json=as_json, quiet=quiet)
            return super().invoke(ctx)
        except KNOWN as error:
            ctx.exit(tell(error, as_json=as_json))
        except (KeyboardInterrupt, click.Abort):
            click.echo("interrupted", err=True)
            ctx.exit(Exit.INTERRUPTED)
        except BrokenPipeError:  # the reader of a pipe has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(Exit.OK)


def _flag(setting: Setting) -> click.Option:
    default = f"; {setting.default} by default" if setting.default is not None else ""
    shown = f"{setting.meaning} [{setting.variable}{default}]"
    names = [f"--{setting.name.replace('_', '-')}", FLAG + setting.name]
    return click.Option(names, metavar=setting.name.upper(), help=shown)


def _everywhere() -> list[click.Option]:
    return [
        click.Option(["--config"], type=click.Path(path_type=Path), help="a TOML file of settings [tamis.toml]"),
        click.Option(["--json"], is_flag=True, help="answer as JSON on standard output, errors too"),
        click.Option(["--quiet", "-q"], is_flag=True, help="no progress and no remarks on standard error"),
    ]


class ExpressionText(click.ParamType[str]):
    """An expression: as it is, from a file (`@members.tamis`), or from standard input (`-`)."""

    name = "expression"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value == "-":
            return sys.stdin.read()
        if not value.startswith("@"):
            return value
        try:
            return Path(value[1:]).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.fail(f"cannot read {value[1:]}: {error}", param, ctx)


class Parameter(click.ParamType[tuple[str, Any]]):
    """`name=value`: the value is read as JSON where it is JSON, and is text otherwise."""

    name = "name=value"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, Any]:
        name, equals, text = value.partition("=")
        if not (name and equals):
            self.fail(f"'{value}' is not NAME=VALUE", param, ctx)
        return name.removeprefix("$"), json_or_text(text)


def json_or_text(text: str) -> Any:
    """12 and ["a"] are what JSON says; FR is text."""
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return text


class Names(click.ParamType[list[str]]):
    """A list of names, separated by commas."""

    name = "names"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> list[str]:
        names = [name.strip() for name in value.split(",")]
        if not all(names):
            self.fail(f"'{value}' has an empty name", param, ctx)
        return names


class JsonObject(click.ParamType[Mapping[str, Any]]):
    """A JSON object: as it is, from a file (`@patch.json`), or from standard input (`-`)."""

    name = "json"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> Mapping[str, Any]:
        return json_object(ExpressionText().convert(value, param, ctx))


def json_object(text: str) -> dict[str, Any]:
    """The object that JSON text stands for; a bad parameter when it stands for none."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeError) as error:
        raise click.BadParameter(f"not a JSON object: {error}") from None


Function = TypeVar("Function", bound=Callable[..., Any])


def expression_argument(function: Function) -> Function:
    return click.argument("expression", type=ExpressionText())(function)


def question_options(function: Function) -> Function:
    """`--param` and `--at`: what a question has beside its expression."""
    for option in (
        click.option("--at", metavar="MOMENT", help="the evaluation clock, such as 2017-12-31; now by default"),
        click.option("--param", "params", type=Parameter(), multiple=True, help="bind $name; may be repeated"),
    ):
        function = option(function)
    return function
