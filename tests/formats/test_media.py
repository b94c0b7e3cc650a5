"""The table of media types."""

import pytest

from formats import MEDIA, Format, by_accept, by_content_type, by_suffix


def test_every_type_and_suffix_leads_to_one_format():
    types = [name for row in MEDIA for name in row.types]
    suffixes = [suffix for row in MEDIA for suffix in row.suffixes]
    assert len(set(types)) == len(types)
    assert len(set(suffixes)) == len(suffixes)
    assert {row.format for row in MEDIA} == set(Format)
    for row in MEDIA:
        assert all(by_content_type(f"{name.upper()}; charset=utf-8") is row for name in row.types)
        assert all(by_suffix(f"a/b{suffix}") is row for suffix in row.suffixes)


@pytest.mark.parametrize(
    ("accept", "format"),
    [
        ("text/csv", Format.CSV),
        ("*/*", Format.CSV),
        ("application/*;q=0.3, text/csv;q=0.2", Format.NDJSON),
        ("application/vnd.apache.arrow.stream, text/csv", Format.ARROW),
        ("text/csv;q=0, application/x-ndjson", Format.NDJSON),
        ("application/vnd.apache.parquet", None),
        ("text/html", None),
        ("text/csv;q=nonsense", None),
    ],
)
def test_what_an_accept_header_prefers(accept, format):
    found = by_accept(accept)
    assert (found.format if found else None) is format


def test_unknown_names():
    assert by_content_type("application/json") is None
    assert by_suffix("file.xlsx") is None
