"""docs/language.md is true: its examples fit a schema, and its tables are the code's."""

import re
from dataclasses import asdict
from pathlib import Path

import pytest
from language_examples import SCHEMA, SEGMENTS

from dsl.check import understand
from dsl.parse import LIMITS
from dsl.problems import CODES

REFERENCE = (Path(__file__).parents[2] / "docs" / "language.md").read_text()
BLOCKS = re.findall(r"```tamis\n(.*?)```", REFERENCE, re.DOTALL)


@pytest.mark.parametrize("text", BLOCKS)
def test_every_example_is_understood(text):
    understand(text, SCHEMA, segments=SEGMENTS)


def test_every_code_is_in_the_reference():
    table = REFERENCE.partition("| code | meaning |")[2].partition("\n## ")[0]
    assert dict(re.findall(r"^\| `([a-z-]+)` \| (.*) \|$", table, re.MULTILINE)) == dict(CODES)


def test_every_limit_is_in_the_reference():
    shown = dict(re.findall(r"^\| `(\w+)`[^|]*\| ([\d,]+) \|$", REFERENCE, re.MULTILINE))
    assert shown == {name: f"{limit:,}" for name, limit in asdict(LIMITS).items()}
