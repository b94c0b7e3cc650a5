"""Saved segments: definitions, nesting, overrides, and the rules that keep them sound.

A `SegmentBook` is immutable; each change makes a new one. Members are never stored here: they follow from the
rules, the parent and the overrides, and are evaluated against a version of the data.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any

from pyroaring import BitMap

from dsl.problems import NOWHERE, DataError, ExpressionError, Problem, Span
from dsl.reads import segments_used
from dsl.schema import Schema
from dsl.typed import Condition, InSegment, Selection
from engine.changes import ChangeMembers, PutSegment
from engine.errors import SegmentInUse, UnknownSegment
from engine.language import NO_PARAMS, understand
from engine.membership import Check, Rules, rules_of
from engine.nesting import MOST_DEEP, MOST_DEEP_SAVED, NOTHING, Nest, chain, depths_of, is_shallow, nest_of, shown
from engine.results import SegmentRef

KEY = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
NAME_LIMIT = 200
DESCRIPTION_LIMIT = 2000
EDITABLE = ("name", "description", "parent", "expression")


@dataclass(frozen=True, slots=True)
class Segment:
    """A saved segment. `condition` is None for a static one, whose members are its additions alone.

    `names` are the display names that its expression's references had when it was saved: a later renaming of the
    segments it names does not change what it means.
    """

    key: str
    name: str
    description: str | None
    parent: str | None
    expression: str | None
    created: int
    updated: int
    version: int
    names: Mapping[str, str]
    condition: Condition | None
    added: BitMap = field(default_factory=BitMap)
    removed: BitMap = field(default_factory=BitMap)
    nest: Nest = NOTHING

    @property
    def etag(self) -> str:
        return f'"{self.version}"'

    @property
    def references(self) -> tuple[str, ...]:
        """Keys of the segments this one needs: its parent and those its expression names."""
        parent = () if self.parent is None else (self.parent,)
        return (*parent, *(key for key in self.names if key != self.parent))


@dataclass(frozen=True)
class SegmentBook:
    """All segments of a workspace, by key."""

    segments: Mapping[str, Segment] = field(default_factory=lambda: MappingProxyType({}))

    def __iter__(self) -> Iterator[Segment]:
        return iter(self.segments.values())

    def __getitem__(self, key: str) -> Segment:
        try:
            return self.segments[key]
        except KeyError:
            raise UnknownSegment(key) from None

    def get(self, key: str) -> Segment | None:
        return self.segments.get(key)

    @cached_property
    def names(self) -> Mapping[str, str]:
        """The display name of each, by key."""
        return {segment.key: segment.name for segment in self}

    @cached_property
    def nests(self) -> dict[str, Nest]:
        """What each segment's depth is made of."""
        return {segment.key: segment.nest for segment in self}

    @cached_property
    def depths(self) -> Mapping[str, int]:
        """How many conditions deep each segment is, with those it rests on."""
        return depths_of(self.nests)

    @cached_property
    def rules(self) -> Rules:
        """What decides who is in each segment, to be asked of one contact. ExpressionError where one is too deep."""
        for key, deep in self.depths.items():
            if deep > MOST_DEEP_SAVED:
                self.refuse_deep(f'in segment "{key}"', Selection(InSegment(NOWHERE, key)))
        return rules_of(self)

    @cached_property
    def deciding(self) -> tuple[tuple[SegmentRef, Check], ...]:
        """Each segment with what decides whether a contact is in it. ExpressionError where one is too deep."""
        return tuple((SegmentRef(each.key, each.name), self.rules[each.key].member) for each in self)

    def understand(self, text: str, schema: Schema, params: Mapping[str, Any] = NO_PARAMS) -> Selection:
        """The meaning of `text` over these segments, that can be planned: ExpressionError."""
        selection = understand(text, schema, self.names, params)
        self.refuse_deep(text, selection)
        return selection

    def refuse_deep(self, text: str, selection: Selection) -> None:
        """ExpressionError when a selection is too deep with the segments it rests on."""
        if is_shallow(text):
            return
        nest = nest_of(selection)
        deep = nest.within(self.depths)
        if deep > MOST_DEEP:
            path = chain(nest, self.nests, self.depths)
            raise ExpressionError(text, [_too_deep("the expression", deep, MOST_DEEP, path, span=Span(0, len(text)))])

    def definition(self, key: str, body: Any, schema: Schema, at: int) -> PutSegment:
        """The change that saves `body` under `key`, checked: DataError, ExpressionError.

        `body` holds name, description, parent and expression; what it leaves out is empty, but the name, which
        then is the key.
        """
        _check_key(key)
        fields = _fields_of(body)
        name = fields["name"] if fields["name"] is not None else key
        self._check_name(key, name)
        parent = fields["parent"]
        if parent is not None and parent not in self.segments:
            raise _problem("$.parent", "unknown-segment", f"no segment with the key '{parent}'", _known(self.segments))
        names = self._references(key, fields["expression"], schema)
        self._refuse_cycle(key, parent, names, fields["expression"])
        self._refuse_deep(key, parent, names, fields["expression"], schema)
        before = self.segments.get(key)
        return PutSegment(
            key,
            {
                "name": name,
                "description": fields["description"],
                "parent": parent,
                "expression": fields["expression"],
                "names": names,
                "created": at if before is None else before.created,
                "updated": at,
            },
        )

    def _check_name(self, key: str, name: str) -> None:
        if not name.strip():
            raise _problem("$.name", "bad-value", "a segment needs a name", "give it one a colleague would understand")
        taken = next((s.key for s in self if s.name == name and s.key != key), None)
        if taken is not None:
            raise _problem(
                "$.name", "name-taken", f"segment '{taken}' is named '{name}' already", "choose another name"
            )

    def _references(self, key: str, expression: str | None, schema: Schema) -> dict[str, str]:
        """Display names, by key, of the segments that `expression` names."""
        if expression is None:
            return {}
        # The segment's own key is known to the checker, so that naming itself is reported as the cycle it is.
        known = {**self.names, key: self.names.get(key, key)}
        selection = understand(expression, schema, known)
        if selection.cut is not None:
            hint = "save the condition alone, and cut where the segment is used"
            problem = Problem("cut-in-segment", "a saved segment cannot end with a cut", hint, selection.cut.span)
            raise ExpressionError(expression, [problem])
        return {used: known[used] for used in sorted(segments_used(selection))}

    def _refuse_cycle(self, key: str, parent: str | None, names: Mapping[str, str], expression: str | None) -> None:
        """Every path from the new references must end without meeting `key` again."""
        for start in ([] if parent is None else [parent]) + list(names):
            path = self._path(start, key)
            if path is None:
                continue
            shown = " -> ".join([key, *path])
            message = f"segment '{key}' would contain itself: {shown}"
            hint = "take one of these references out"
            if start == parent:
                raise _problem("$.parent", "segment-cycle", message, hint)
            span = Span(0, len(expression or ""))
            raise ExpressionError(expression or "", [Problem("segment-cycle", message, hint, span)])

    def _path(self, start: str, goal: str) -> list[str] | None:
        """The references that lead from `start` to `goal`, both included; None when none do. Depth first."""
        stack = [[start]]
        seen: set[str] = set()
        while stack:
            path = stack.pop()
            if path[-1] == goal:
                return path
            segment = self.segments.get(path[-1])
            if segment is None or segment.key in seen:
                continue
            seen.add(segment.key)
            stack.extend([*path, reference] for reference in segment.references)
        return None

    def _refuse_deep(
        self, key: str, parent: str | None, names: Mapping[str, str], expression: str | None, schema: Schema
    ) -> None:
        """Neither the new definition nor any segment that rests on it may be too deep."""
        condition = None if expression is None else understand(expression, schema, names).condition
        nests = {**self.nests, key: nest_of(condition, parent)}
        depths = depths_of(nests)
        # Those that were too deep before are no fault of this one.
        deepened = [each for each, deep in depths.items() if deep > max(MOST_DEEP_SAVED, self.depths.get(each, 0))]
        if not deepened:
            return
        deepest = key if key in deepened else max(deepened, key=depths.__getitem__)
        path = [deepest, *chain(nests[deepest], nests, depths)]
        what = f"segment '{deepest}'" if deepest == key else f"segment '{deepest}', which rests on '{key}',"
        if nests[key].deepest(depths) in (None, *names):
            problem = _too_deep(what, depths[deepest], MOST_DEEP_SAVED, path, span=Span(0, len(expression or "")))
            raise ExpressionError(expression or "", [problem])
        raise DataError([_too_deep(what, depths[deepest], MOST_DEEP_SAVED, path, path="$.parent")])

    def users_of(self, key: str) -> tuple[str, ...]:
        """Names of the segments that need `key`."""
        return tuple(s.name for s in self if key in s.references)

    def refuse_drop(self, key: str) -> None:
        """UnknownSegment, or SegmentInUse with the names of those that need it."""
        users = self.users_of(self[key].key)
        if users:
            raise SegmentInUse(key, users)

    def put(self, change: PutSegment, schema: Schema, seq: int) -> SegmentBook:
        """Apply a checked definition; overrides stay."""
        d: dict[str, Any] = change.definition
        names: dict[str, str] = d["names"]
        condition = None if d["expression"] is None else understand(d["expression"], schema, names).condition
        before = self.segments.get(change.key)
        segment = Segment(
            change.key,
            d["name"],
            d["description"],
            d["parent"],
            d["expression"],
            d["created"],
            d["updated"],
            seq,
            names,
            condition,
            BitMap() if before is None else before.added,
            BitMap() if before is None else before.removed,
            nest_of(condition, d["parent"]),
        )
        return self._with(segment)

    def drop(self, key: str) -> SegmentBook:
        return SegmentBook(MappingProxyType({k: s for k, s in self.segments.items() if k != key}))

    def members(self, change: ChangeMembers) -> SegmentBook:
        """Apply overrides: a contact is added or removed, never both; reset forgets either."""
        segment = self.segments[change.key]
        add, remove, reset = BitMap(change.add), BitMap(change.remove), BitMap(change.reset)
        added = ((segment.added - remove) | add) - reset
        removed = ((segment.removed - add) | remove) - reset
        return self._with(replace(segment, added=added, removed=removed))

    def without_contacts(self, rows: BitMap) -> SegmentBook:
        """Forget the overrides of erased contacts."""
        kept = {k: replace(s, added=s.added - rows, removed=s.removed - rows) for k, s in self.segments.items()}
        return SegmentBook(MappingProxyType(kept))

    def _with(self, segment: Segment) -> SegmentBook:
        return SegmentBook(MappingProxyType({**self.segments, segment.key: segment}))

    def to_state(self) -> list[dict[str, Any]]:
        """What a checkpoint keeps."""
        return [
            {
                "key": s.key,
                "definition": {name: getattr(s, name) for name in (*EDITABLE, "created", "updated")}
                | {"names": dict(s.names)},
                "version": s.version,
                "added": s.added.serialize(),
                "removed": s.removed.serialize(),
            }
            for s in self
        ]

    @classmethod
    def from_state(cls, state: list[dict[str, Any]], schema: Schema) -> SegmentBook:
        book = cls()
        for s in state:
            book = book.put(PutSegment(s["key"], s["definition"]), schema, s["version"])
            kept = replace(
                book[s["key"]], added=BitMap.deserialize(s["added"]), removed=BitMap.deserialize(s["removed"])
            )
            book = book._with(kept)
        return book


def _too_deep(
    what: str, deep: int, most: int, keys: list[str], span: Span | None = None, path: str | None = None
) -> Problem:
    through = f", through a chain of {len(keys)} segments ({shown(keys)})" if len(keys) > 1 else ""
    message = f"{what} would be {deep} conditions deep{through}; at most {most} are taken"
    hint = "nest less: write the conditions of some of these segments in one, instead of one on top of the other"
    return Problem("too-deep", message, hint, span, path)


def _problem(path: str, code: str, message: str, hint: str) -> DataError:
    return DataError([Problem(code, message, hint, path=path)])


def _known(segments: Mapping[str, Segment]) -> str:
    return f"the segments are {', '.join(sorted(segments))}" if segments else "there are no segments yet"


def _check_key(key: str) -> None:
    if KEY.fullmatch(key) is None:
        hint = "use 1 to 63 of a-z, 0-9, - and _, beginning with a letter or digit; the name may be anything"
        raise _problem("$.key", "bad-key", f"'{key}' is not usable as a segment key", hint)


def _fields_of(body: Any) -> dict[str, str | None]:
    """The editable fields of a request body, types and lengths checked."""
    if type(body) is not dict:
        raise _problem("$", "bad-shape", "a segment is an object", 'write {"name": "…", "expression": "…"}')
    limits = {"name": NAME_LIMIT, "description": DESCRIPTION_LIMIT, "parent": NAME_LIMIT, "expression": None}
    problems = [
        Problem("unknown-field", f"segments have no '{name}'", f"they have {', '.join(EDITABLE)}", path=f"$.{name}")
        for name in body
        if name not in limits
    ]
    for name, limit in limits.items():
        value = body.get(name)
        if value is not None and type(value) is not str:
            problems.append(Problem("bad-value", f"'{name}' is not text", "write it in quotes", path=f"$.{name}"))
        elif value is not None and limit is not None and len(value) > limit:
            hint = f"keep it within {limit} characters"
            problems.append(Problem("bad-value", f"'{name}' has {len(value)} characters", hint, path=f"$.{name}"))
    if problems:
        raise DataError(problems)
    return {name: body.get(name) for name in limits}
