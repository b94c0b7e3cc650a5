"""Every setting of Tamis: its default, its meaning, and where its value came from.

A value is looked for in the flags of the command, then in the environment (`TAMIS_PORT`), then in a TOML file
(`tamis.toml` in the current folder, or the one `--config` names), and is otherwise the default. `Settings` is the
one table: the command line, `tamis settings` and the tests read it.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Meta

DEFAULT_FILE = Path("tamis.toml")
PREFIX = "TAMIS_"

Port = Annotated[int, Meta(ge=0, le=65535)]


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The settings in force. Each field is one setting; its `Meta` description is its meaning."""

    data: Annotated[str, Meta(description="the data directory", min_length=1)] = "tamis-data"
    workspace: Annotated[str, Meta(description="the workspace that commands speak to", min_length=1)] = "default"
    url: Annotated[str | None, Meta(description="a running server to speak to, instead of a data directory")] = None
    key: Annotated[str | None, Meta(description="the API key sent to that server")] = None
    timeout: Annotated[float, Meta(description="seconds an answer may take; a query is stopped then", gt=0)] = 60.0
    host: Annotated[str, Meta(description="the address the server listens on", min_length=1)] = "127.0.0.1"
    port: Annotated[Port, Meta(description="the port the server listens on; 0 takes a free one")] = 8420
    hosts: Annotated[str, Meta(description="other names it answers for on loopback, separated by commas")] = ""
    workers: Annotated[
        int, Meta(description="processes that answer: one writes, the others follow it", ge=1, le=256)
    ] = 1
    body_limit: Annotated[int, Meta(description="bytes a request may have; imports may have more", gt=0)] = 33_554_432
    running_limit: Annotated[int, Meta(description="requests a workspace runs at a time", gt=0)] = 256
    query_budget: Annotated[
        float, Meta(description="estimated seconds a question may cost, unless its workspace says otherwise", gt=0)
    ] = 20.0
    cache_bytes: Annotated[
        int, Meta(description="bytes that remembered answers of a workspace may take; 0 remembers nothing", ge=0)
    ] = 67_108_864
    warm_bytes: Annotated[
        int, Meta(description="bytes of memory for what is made before it is asked for; 0 makes nothing", ge=0)
    ] = 1_073_741_824
    query_timeout: Annotated[float, Meta(description="seconds a query has that asks for no timeout", gt=0)] = 30.0
    query_timeout_limit: Annotated[float, Meta(description="seconds a query may ask for", gt=0)] = 300.0
    query_threads: Annotated[int, Meta(description="long queries the server runs at a time", gt=0)] = 4
    query_limit: Annotated[int, Meta(description="long queries a workspace runs or keeps waiting", gt=0)] = 32
    import_limit: Annotated[int, Meta(description="imports a workspace keeps waiting", gt=0)] = 16


class SettingError(ValueError):
    """A setting has a value it cannot have, or a file names one that does not exist."""


class Source(StrEnum):
    """Where a value came from, strongest first."""

    FLAG = "flag"
    ENVIRONMENT = "environment"
    FILE = "file"
    DEFAULT = "default"


SECRET = frozenset({"key"})
"""Settings that are never shown."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table: `variable` is its name in the environment."""

    name: str
    variable: str
    default: Any
    meaning: str


@dataclass(frozen=True, slots=True)
class Resolved:
    """The settings in force, and where each one came from."""

    settings: Settings
    sources: Mapping[str, Source]


def table() -> Iterator[Setting]:
    """Every setting, in the order in which people meet them."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in msgspec.structs.fields(Settings):
        yield Setting(field.name, PREFIX + field.name.upper(), field.default, _meaning(hints[field.name]))


def resolve(flags: Mapping[str, Any], environment: Mapping[str, str], file: Path | None = None) -> Resolved:
    """The settings, from the strongest source that gives each. `flags` that are None were not given.

    Raises SettingError for a value that does not fit, a file that cannot be read, or a name that is no setting.
    """
    layers = {
        Source.FLAG: {name: value for name, value in flags.items() if value is not None},
        Source.ENVIRONMENT: {s.name: environment[s.variable] for s in table() if environment.get(s.variable)},
        Source.FILE: _read(file),
    }
    for source, values in layers.items():
        _validate(values, source, file)
    sources = {s.name: _source_of(s.name, layers) for s in table()}
    chosen = {name: layers[source][name] for name, source in sources.items() if source is not Source.DEFAULT}
    return Resolved(msgspec.convert(chosen, Settings, strict=False), sources)


def _source_of(name: str, layers: Mapping[Source, Mapping[str, Any]]) -> Source:
    return next((source for source, values in layers.items() if name in values), Source.DEFAULT)


def _read(file: Path | None) -> dict[str, Any]:
    """The values of the settings file: an empty table when none was named and there is none here."""
    path = file or DEFAULT_FILE
    if file is None and not path.exists():
        return {}
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingError(f"cannot read the settings in {path}: {error}") from error


def _validate(values: Mapping[str, Any], source: Source, file: Path | None) -> None:
    """Checks one source alone, setting by setting, so that the message can name both."""
    for name, value in values.items():
        try:
            msgspec.convert({name: value}, Settings, strict=False)
        except msgspec.ValidationError as error:
            wrong = str(error).partition(" - at ")[0]
            raise SettingError(f"{_place(name, source, file)}: {wrong}") from error


def _place(name: str, source: Source, file: Path | None) -> str:
    """Where a value is given, as people write it there."""
    match source:
        case Source.FLAG:
            return f"--{name.replace('_', '-')}"
        case Source.ENVIRONMENT:
            return f"{PREFIX}{name.upper()} in the environment"
        case Source.FILE:
            return f"{name} in {file or DEFAULT_FILE}"
        case _:
            raise ValueError(f"nobody gives a {source}")


def _meaning(annotation: Any) -> str:
    """The description among an annotation's metadata."""
    if get_origin(annotation) is Annotated:
        for meta in get_args(annotation)[1:]:
            if isinstance(meta, Meta) and meta.description:
                return meta.description
    raise LookupError(f"a setting has no description: {annotation}")
