"""The rows whose texts come first, against Python's order of strings."""

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from engine.tables.first import first_by_text


@given(
    st.lists(st.text("ab\u00e9\U0001f600", max_size=4), min_size=1, max_size=60, unique=True), st.randoms(), st.data()
)
def test_first_texts_are_those_that_python_sorts_first(texts, random, draws):
    rows = random.sample(range(len(texts)), random.randint(1, len(texts)))
    count = draws.draw(st.integers(1, len(rows)))
    padding = draws.draw(st.integers(0, 3))
    array = pa.array(["x"] * padding + texts, pa.string())[padding:]
    found = first_by_text(array, np.array(rows, np.uint32), count)
    assert sorted(found.tolist()) == sorted(sorted(rows, key=lambda row: texts[row])[:count])
