"""docs/language.md is true: its examples mean what is stated of them, and its tables are the code's.

What an example means is stated in the conformance files, which the engine and the oracle must both meet: who is in, and
so who is out.
"""

import re
from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import get_args

import pytest
from language_examples import EXAMPLES, SCHEMA, SEGMENTS

from dsl import tree
from dsl.check import understand
from dsl.moments import Unit
from dsl.parse import LIMITS, parse
from dsl.problems import CODES, ExpressionError
from dsl.typed import AggregateFunction, CutKind, Operator, Part
from tests.conformance.script import read

ROOT = Path(__file__).parents[2]
REFERENCE = (ROOT / "docs" / "language.md").read_text()
BLOCKS = re.findall(r"```tamis\n(.*?)```", REFERENCE, re.DOTALL)
PARAMS = {"countries": ["FR"], "least": 30}


def stated():
    """Every expression of the conformance files with somebody in and somebody out, and the two that never have."""
    meanings = {parse("everyone"), parse("nobody")}
    for path in (ROOT / "tests" / "conformance").glob("*.test"):
        for case in (case for scenario in read(path) for case in scenario.cases):
            if case.members not in (None, (), ("everyone",), ("nobody",)):
                meanings.add(parse(case.expression))
    return meanings


STATED = stated()


@pytest.mark.parametrize("text", [*BLOCKS, *EXAMPLES])
def test_every_example_has_its_meaning_stated(text):
    """State it in tests/conformance/reference.test: the expression, and who of that world is in."""
    assert parse(text) in STATED


@pytest.mark.parametrize("text", BLOCKS)
def test_every_example_fits_one_schema(text):
    names = {found.name for found in tree.walk(parse(text)) if isinstance(found, tree.Parameter)}
    understand(text, SCHEMA, segments=SEGMENTS, params={name: PARAMS[name] for name in names})


def constructs(text):
    """The nodes of an example, and what each was chosen from a list."""
    for node in tree.walk(parse(text)):
        yield type(node)
        for name in node.__struct_fields__:
            value = getattr(node, name)
            several = value if isinstance(value, tuple) else (value,)
            yield from ((type(one), one) for one in several if isinstance(one, Enum))
            if name == "negated" and value:
                yield type(node), "negated"


CHOICES = (
    tree.Moment,
    tree.Which,
    tree.When,
    tree.Comparator,
    tree.TextTest,
    tree.Quantifier,
    tree.Bound,
    Unit,
    AggregateFunction,
    CutKind,
    Operator,
    Part,
)
NEGATED = {node for node in get_args(tree.Expression) if "negated" in node.__struct_fields__}


def test_every_construct_has_an_example():
    shown = {construct for text in BLOCKS for construct in constructs(text)}
    whole = {*get_args(tree.Expression), *((choices, choice) for choices in CHOICES for choice in choices)}
    whole |= {(node, "negated") for node in NEGATED}
    assert whole - shown == {tree.Broken}


@pytest.mark.parametrize("text", [r'title = "\d"', r'title = "\x41"'])
def test_other_backslashes_are_problems_that_show_how_a_regular_expression_is_written(text):
    with pytest.raises(ExpressionError) as caught:
        understand(text, SCHEMA)
    assert [found.code for found in caught.value.problems] == ["bad-escape"]
    assert "matches /" in (caught.value.problems[0].hint or "")


def test_every_code_is_in_the_reference():
    table = REFERENCE.partition("| code | meaning |")[2].partition("\n## ")[0]
    assert dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", table, re.MULTILINE)) == dict(CODES)


def test_every_limit_is_in_the_reference():
    shown = dict(re.findall(r"^\| `(\w+)`[^|]*\| ([\d,]+) \|$", REFERENCE, re.MULTILINE))
    assert shown == {name: f"{limit:,}" for name, limit in asdict(LIMITS).items()}
