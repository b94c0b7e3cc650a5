"""The schema of a segment file: declared line by line, or in a JSON file beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from dsl.problems import DataError, Problem, did_you_mean
from dsl.schema import Schema, Type
from dsl.schema_json import member, patched
from server.segment_files.text import Block, FileProblems, Finding, Slice, blocks

KEYWORDS = ("timezone", "contacts", "companies", "events", "identified")
EXAMPLE = "as in: contacts country text, points number 0, level choice silver|gold"

_PARTS = re.compile(r'(?:"(?:\\.|[^"\\])*"|`[^`]*`|[^\s"`])+')
_DECLARATION = re.compile(r'(?:"(?:\\.|[^"\\])*"|`[^`]*`|[^,"`])+')
_COMMENT = re.compile(r"\s#.*")


def grown(schema: Schema, block: Block) -> Schema:
    """`schema` with what a `schema` block declares. FileProblems."""
    draft = _Draft()
    findings: list[Finding] = []
    for inner in blocks(block.body):
        try:
            draft.line(inner)
        except FileProblems as error:
            findings.extend(error.findings)
    if findings:
        raise FileProblems(findings)
    return _patched(schema, draft.patch, draft.place(block.head))


def read_json(schema: Schema, path: Path, place: Slice) -> Schema:
    """`schema` with what a JSON file declares, in the form of `tamis schema show --json`. FileProblems."""
    try:
        patch = msgspec.json.decode(path.read_bytes())
    except OSError as error:
        raise FileProblems([place.wrong(f"cannot read {path}: {error.strerror}")]) from None
    except msgspec.DecodeError as error:
        raise FileProblems([place.wrong(f"{path} is no JSON: {error}")]) from None
    return _patched(schema, patch, lambda problem: place)


def _patched(schema: Schema, patch: Any, place: Any) -> Schema:
    try:
        return patched(schema, patch, has_data=lambda scope, event, name: False)
    except DataError as error:
        raise FileProblems(
            place(problem).wrong(problem.message, problem.hint, problem.code) for problem in error.problems
        ) from None


@dataclass(slots=True)
class _Draft:
    """A patch of a schema under construction, and where each of its members was written."""

    patch: dict[str, Any] = field(default_factory=dict)
    places: dict[str, Slice] = field(default_factory=dict)

    def line(self, block: Block) -> None:
        rest = block.rest
        match block.keyword:
            case "timezone":
                self.patch["timezone"] = str(rest)
                self.places["$.timezone"] = rest
            case "identified":
                self.patch["identified_by"] = str(rest).removeprefix("by ").replace(",", " ").split()
                self.places["$.identified_by"] = rest
            case "contacts" | "companies" as owner:
                self.fields(self.patch.setdefault(owner, {}), f"$.{owner}", [rest, *block.lines])
            case "events":
                self.event(block)
            case other:
                raise FileProblems(
                    [block.head.wrong(f"a schema has no '{other}'", did_you_mean(other, KEYWORDS) or EXAMPLE)]
                )

    def event(self, block: Block) -> None:
        first = next(_matches(_PARTS, block.rest), None)
        if first is None:
            raise FileProblems([block.head.wrong("an event type is missing here", "as in: events open campaign text")])
        name = _bare(str(first))
        path = member("$.events", name)
        self.places[path] = first
        declared = self.patch.setdefault("events", {}).setdefault(name, {})
        self.fields(declared, path, [Slice(first.source, first.end, block.rest.end), *block.lines])

    def fields(self, into: dict[str, Any], path: str, lines: Sequence[Slice]) -> None:
        for line in lines:
            for written in _matches(_DECLARATION, _uncommented(line)):
                name, form = _field(written)
                into[name] = form
                self.places[member(path, name)] = written

    def place(self, default: Slice) -> Any:
        """Finds the line of a problem by its path, or by the longest beginning of it that was written."""

        def found(problem: Problem) -> Slice:
            path = problem.path or ""
            written = [start for start in self.places if path == start or path.startswith((f"{start}.", f"{start}["))]
            return self.places[max(written, key=len)] if written else default

        return found


def _field(written: Slice) -> tuple[str, dict[str, Any]]:
    """`points number 0`: a name, a type, and what the type has besides."""
    parts = [str(part) for part in _matches(_PARTS, written)]
    if len(parts) < 2:
        raise FileProblems([written.wrong("a field has a name and a type", EXAMPLE)])
    name, type, *rest = parts
    form: dict[str, Any] = {"type": type}
    if rest and type == "number" and rest[0].isdigit():
        form["decimals"] = int(rest.pop(0))
    if rest and type == "choice":
        form["options"] = [_bare(option) for option in re.findall(r'"[^"]*"|[^|"]+', rest.pop(0))]
    if rest and rest[0].startswith('"'):
        form["label"] = _bare(rest.pop(0))
    if rest and type in set(Type):
        raise FileProblems([written.wrong(f"'{rest[0]}' means nothing here", EXAMPLE)])
    return _bare(name), form


def _matches(pattern: re.Pattern[str], slice: Slice) -> Iterator[Slice]:
    """The parts of a slice that a pattern finds, without the space around them."""
    for match in pattern.finditer(str(slice)):
        text = match[0]
        start = slice.start + match.start() + len(text) - len(text.lstrip())
        if text.strip():
            yield Slice(slice.source, start, start + len(text.strip()))


def _uncommented(line: Slice) -> Slice:
    found = _COMMENT.search(str(line))
    return line if found is None else Slice(line.source, line.start, line.start + found.start())


def _bare(text: str) -> str:
    return text.strip('"`')
