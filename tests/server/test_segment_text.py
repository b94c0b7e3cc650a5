"""Segment files as text: whatever is written in one has its places told, and what is dumped is read back."""

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from dsl.schema import Schema
from engine.results import SegmentView
from server.segment_files.checking import check
from server.segment_files.reading import read_file
from server.segment_files.writing import dumped

REFERENCE = (Path(__file__).parents[2] / "docs" / "segment-files.md").read_text("utf-8")
VOCABULARY = """schema segment test at params contacts companies events members use expect under static from type add
remove timezone identified number text choice points French "x" `y` [a, b] = -> # | , $p 12 2026-01-01 did purchase in
french everyone nobody and ( ) " ` [ ] é \\"""
WORDS = VOCABULARY.split()

lines = st.lists(st.tuples(st.sampled_from(["", "  ", "    ", "\t"]), st.lists(st.sampled_from(WORDS), max_size=6)))


def checked(path, text):
    path.write_text(text, "utf-8")
    file = read_file(path)
    return file, check(file, file.schema or Schema())


def tell(findings, text):
    for finding in findings:
        span = finding.problem.span
        assert 0 <= span.start <= span.end <= len(text)
        assert finding.rendered().startswith(f"{finding.source.path}:{text.count(chr(10), 0, span.start) + 1}:")


@settings(max_examples=150, deadline=None)
@given(lines)
def test_any_words_in_any_order_are_read_or_told(tmp_path_factory, made):
    text = "\n".join(indent + " ".join(words) for indent, words in made)
    _, findings = checked(tmp_path_factory.getbasetemp() / "any.segments", text)
    tell(findings, text)


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_the_reference_with_a_piece_cut_out_or_put_elsewhere_is_read_or_told(tmp_path_factory, data):
    start, end, to = sorted(data.draw(st.integers(0, len(REFERENCE))) for _ in range(3))
    text = REFERENCE[:start] + REFERENCE[end:to] + REFERENCE[start:end] + REFERENCE[to:]
    text = text.replace("```segments\n", "").replace("```\n", "")
    _, findings = checked(tmp_path_factory.getbasetemp() / "cut.segments", text)
    tell(findings, text)


names = st.text(
    st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1, max_size=60
).filter(str.strip)
words = st.lists(names.map(str.strip), min_size=1, max_size=3)
rules = st.sampled_from(
    [None, "everyone", "everyone\n  and # so\nnobody", "everyone or\n\n    nobody", "# a\neveryone"]
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(names, st.none() | words.map("\n".join), rules), max_size=5, unique_by=lambda made: made[0]))
def test_what_is_dumped_is_read_back(tmp_path_factory, made):
    views = [
        SegmentView(f"s{n}", name, about, f"s{n - 1}" if n % 2 else None, rule, 0, None, None, "", "", "")
        for n, (name, about, rule) in enumerate(made)
    ]
    file, findings = checked(tmp_path_factory.getbasetemp() / "dumped.segments", dumped(views))
    assert findings == ()
    read = {str(entry.key): entry.body for entry in file.entries}
    assert read.keys() == {view.key for view in views}
    for view in views:
        body, comment = read[view.key], (view.expression or "").startswith("#")
        assert (body["name"], body["parent"]) == (view.name, view.parent)
        if comment:
            assert body["expression"] == "everyone"
            assert body["description"].splitlines()[-1] == "a"
        else:
            assert (body["description"], body["expression"]) == (view.description, view.expression)
