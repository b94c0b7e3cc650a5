"""The language bound to a workspace: text to typed selections, with RE2 as the judge of regexes."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

import dsl.check
from dsl.parse import read
from dsl.schema import Schema
from dsl.tree import Parameter, walk
from dsl.typed import Selection

NO_PARAMS: Mapping[str, Any] = {}


@lru_cache(maxsize=1024)
def regex_problem(pattern: str) -> str | None:
    """What RE2 has against `pattern`; None when it accepts it."""
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as refused:
        return str(refused).removeprefix("Invalid regular expression: ")
    return None


def was_read(text: str) -> bool:
    """Whether the parser still had its reading of `text`; it has now."""
    reading = read(text)
    before, reading.used = reading.used, True
    return before


def parameters(text: str) -> frozenset[str]:
    """The parameters that an expression names; none when it cannot be read."""
    selection = read(text).selection
    if selection is None:
        return frozenset()
    return frozenset(node.name for node in walk(selection) if isinstance(node, Parameter))


def understand(text: str, schema: Schema, names: Mapping[str, str], params: Mapping[str, Any] = NO_PARAMS) -> Selection:
    """The meaning of `text`; `names` are the segments it may name, key to display name. ExpressionError."""
    return dsl.check.understand(text, schema, segments=names, params=params, regex_problem=regex_problem)
