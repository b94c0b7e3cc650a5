"""The text form of conformance cases (`*.test`), read into worlds of writes and cases.

    schema                                # starts a new, empty world
      timezone Europe/Paris
      contacts country text, points number 0, level choice gold|silver
      companies industry text
      events purchase amount number, product text
      identified email
    contacts                              # rows to upsert: id, then field=value
      c1 country=FR name="Du Pont" interests=[ski,vtt] company=acme email=null
    companies
      acme industry=Software
    events                                # contact, type, moment, then property=value
      c1 purchase 2026-11-01T10:00:00Z amount=12.50 id=e1
    erase c9
    segment clients "Clients NL" under base    # then its expression; without one it is static
      country = "NL"
    members clients add c1 c2 remove c3 reset c4
    clock 2026-11-22T12:00:00+01:00       # holds for all that follows
    params {"country": "FR"}              # so does this; a case is given those that it names

    select country = "FR"                 # further lines of the expression are indented
      and points > 30
    -> c1 c2                              # the members' ids, `everyone` or `nobody`

    problem contry = "FR"
    -> 1:1  unknown field 'contry'; did you mean 'country'?
            contry = "FR"
            ^^^^^^

Values are JSON strings, lists in brackets, `null`, or bare words. A `#` at the start of a line is a comment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.oracle.writes import Companies, Contacts, Erase, Events, Json, Members, PutSegment, Write

DEFAULT_CLOCK = "2026-11-22T12:00:00+01:00"
ARROW = "->"


@dataclass(frozen=True)
class Case:
    """One expression, and its members (None when `problem` holds the rendering it must give)."""

    file: str
    line: int
    clock: str
    params: Json
    expression: str
    members: tuple[str, ...] | None = None
    problem: str | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass
class Scenario:
    """A world: its schema patch, then writes and cases in the order of the file."""

    file: str
    line: int
    schema: Json
    steps: list[Write | Case] = field(default_factory=list)

    @property
    def cases(self) -> list[Case]:
        return [step for step in self.steps if isinstance(step, Case)]

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Block:
    """An unindented line and what belongs to it: indented lines, or the lines of an answer."""

    line: int
    head: str
    body: tuple[str, ...]


class ScriptError(Exception):
    pass


def read(path: Path) -> list[Scenario]:
    scenarios: list[Scenario] = []
    clock, params = DEFAULT_CLOCK, {}
    blocks = list(blocks_of(path.read_text()))
    for number, block in enumerate(blocks):
        keyword, _, rest = block.head.partition(" ")
        match keyword:
            case "schema":
                scenarios.append(Scenario(path.name, block.line, schema_patch(block.body)))
            case "clock":
                clock = rest.strip()
            case "params":
                params = json.loads(rest or "{}")
            case "select" | "problem":
                expression = "\n".join([rest, *block.body]).strip()
                answer = blocks[number + 1]
                case = answered(
                    Case(path.name, block.line, clock, named(params, expression), expression), keyword, answer
                )
                scenarios[-1].steps.append(case)
            case "->":
                pass
            case _:
                scenarios[-1].steps.append(write(keyword, rest, block))
    return scenarios


def named(params: Json, expression: str) -> Json:
    return {name: value for name, value in params.items() if re.search(rf"\${name}\b", expression)}


def blocks_of(text: str) -> Iterator[Block]:
    head: tuple[int, str] | None = None
    body: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        if line[0].isspace():
            body.append(line.rstrip())
            continue
        if head:
            yield Block(*head, tuple(body))
        head, body = (number, line.rstrip()), []
    if head:
        yield Block(*head, tuple(body))


def answered(case: Case, keyword: str, answer: Block) -> Case:
    if not answer.head.startswith(ARROW):
        raise ScriptError(f"{case}: no '{ARROW}' line follows")
    first = answer.head.removeprefix(ARROW).strip()
    if keyword == "problem":
        rendered = "\n".join([first, *(line[3:] for line in answer.body)])
        return Case(case.file, case.line, case.clock, case.params, case.expression, problem=rendered)
    names = " ".join([first, *answer.body]).split()
    return Case(case.file, case.line, case.clock, case.params, case.expression, members=tuple(names))


def write(keyword: str, rest: str, block: Block) -> Write:
    match keyword:
        case "contacts":
            return Contacts([entity_row(line) for line in block.body])
        case "companies":
            return Companies([entity_row(line) for line in block.body])
        case "events":
            return Events([event_row(line) for line in block.body])
        case "erase":
            return Erase(rest.strip())
        case "segment":
            return segment(rest, " ".join(block.body).strip() or None)
        case "members":
            return members(rest)
        case _:
            raise ScriptError(f"line {block.line}: no such keyword: {keyword}")


def segment(rest: str, expression: str | None) -> PutSegment:
    found = re.fullmatch(r'(\S+)(?: "([^"]*)")?(?: under (\S+))?', rest.strip())
    if not found:
        raise ScriptError(f'a segment is written: segment KEY "NAME" under PARENT; found: {rest}')
    key, name, parent = found.groups()
    return PutSegment(key, {"name": name or key, "expression": expression, "parent": parent})


def members(rest: str) -> Members:
    key, *words = rest.split()
    lists: dict[str, list[str]] = {"add": [], "remove": [], "reset": []}
    current = lists["add"]
    for word in words:
        if word in lists:
            current = lists[word]
        else:
            current.append(word)
    return Members(key, **lists)


# --- rows --------------------------------------------------------------------------------------------------

WORD = re.compile(r'"(?:\\.|[^"\\])*"|\[[^\]]*\]|[^\s=]+|=')


def entity_row(line: str) -> Json:
    id, *words = WORD.findall(line)
    return {"id": id, **assignments(words)}


def event_row(line: str) -> Json:
    contact, type, at, *words = WORD.findall(line)
    return {"contact": contact, "type": bare(type), "at": at, **assignments(words)}


def assignments(words: list[str]) -> Json:
    if len(words) % 3 or any(sign != "=" for sign in words[1::3]):
        raise ScriptError(f"values are written name=value; found: {' '.join(words)}")
    return {bare(name): value(word) for name, word in zip(words[::3], words[2::3], strict=True)}


def bare(name: str) -> str:
    return str(json.loads(name)) if name.startswith('"') else name


def value(word: str) -> Any:
    if word.startswith("["):
        return [value(item) for item in re.findall(r'"(?:\\.|[^"\\])*"|[^\s,\[\]]+', word)]
    if word in ("null", "true", "false") or word.startswith('"') or re.fullmatch(r"-?\d+(\.\d+)?", word):
        return json.loads(word)
    return word


# --- schema ------------------------------------------------------------------------------------------------


def schema_patch(lines: tuple[str, ...]) -> Json:
    patch: Json = {}
    for line in lines:
        keyword, _, rest = line.strip().partition(" ")
        match keyword:
            case "timezone":
                patch["timezone"] = rest.strip()
            case "contacts" | "companies":
                patch.setdefault(keyword, {}).update(declared(rest))
            case "events":
                type, _, fields = rest.strip().partition(" ")
                patch.setdefault("events", {})[bare(type)] = declared(fields)
            case "identified":
                patch["identified_by"] = rest.split()
            case _:
                raise ScriptError(f"no such schema line: {line}")
    return patch


def declared(text: str) -> Json:
    return dict(declaration(part) for part in text.split(",") if part.strip())


def declaration(text: str) -> tuple[str, Json]:
    name, type, *rest = re.findall(r'"[^"]*"|\S+', text)
    declared: Json = {"type": type}
    if type == "number" and rest:
        declared["decimals"] = int(rest[0])
    if type == "choice":
        declared["options"] = rest[0].split("|")
    return bare(name), declared


# --- writing, so that a find becomes a case ----------------------------------------------------------------


def written(schema: Json, writes: list[Write], clock: str, expression: str, members: list[str]) -> str:
    """The text of a scenario with one case, ready to be appended to a file."""
    lines = ["schema", *schema_lines(schema)]
    for step in writes:
        lines += write_lines(step)
    lines += [f"clock {clock}", f"select {expression}", f"{ARROW} {' '.join(members) or 'nobody'}"]
    return "\n".join(lines) + "\n"


def schema_lines(schema: Json) -> Iterator[str]:
    if "timezone" in schema:
        yield f"  timezone {schema['timezone']}"
    for space in ("contacts", "companies"):
        yield f"  {space} {declarations(schema.get(space, {}))}"
    for type, fields in schema.get("events", {}).items():
        yield f"  events {name(type)} {declarations(fields)}"
    if "identified_by" in schema:
        yield f"  identified {' '.join(schema['identified_by'])}"


def declarations(fields: Json) -> str:
    return ", ".join(" ".join([name(field), declared["type"], *extras(declared)]) for field, declared in fields.items())


def extras(declared: Json) -> Iterator[str]:
    if "decimals" in declared:
        yield str(declared["decimals"])
    if "options" in declared:
        yield "|".join(declared["options"])


def write_lines(step: Write) -> Iterator[str]:
    match step:
        case Contacts(rows=rows) | Companies(rows=rows):
            yield type(step).__name__.lower()
            yield from (f"  {row['id']} {pairs(row, {'id'})}".rstrip() for row in rows)
        case Events(rows=rows):
            yield "events"
            for row in rows:
                apart = {"contact", "type", "at"}
                yield f"  {row['contact']} {name(row['type'])} {row['at']} {pairs(row, apart)}".rstrip()
        case Erase(id=id):
            yield f"erase {id}"
        case PutSegment(key=key, body=body):
            under = f" under {body['parent']}" if body.get("parent") else ""
            yield f'segment {key} "{body.get("name", key)}"{under}'
            if body.get("expression"):
                yield f"  {body['expression']}"
        case Members(key=key, add=add, remove=remove, reset=reset):
            yield f"members {key} add {' '.join(add)} remove {' '.join(remove)} reset {' '.join(reset)}"
        case _:
            raise TypeError(f"no such write: {type(step).__name__}")


def name(text: str) -> str:
    return text if re.fullmatch(r"\w+", text) else json.dumps(text, ensure_ascii=False)


def pairs(row: Json, apart: set[str]) -> str:
    return " ".join(
        f"{name(field)}={json.dumps(content, ensure_ascii=False)}"
        for field, content in row.items()
        if field not in apart
    )
