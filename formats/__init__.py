"""Files in and out: reading CSV, NDJSON and Parquet into typed batches, writing members out again."""

from formats.batch import Batch, Kind
from formats.event_types import parse_rule
from formats.inferred import Column, DateOrder, Dialect, Inferred, ReadOptions, Role, TypeRule
from formats.inferring import infer
from formats.media import MEDIA, Format, Media, by_accept, by_content_type, by_suffix
from formats.reading import Cancelled, Progress, Reason, read
from formats.rejects import RejectsFile
from formats.rows import OnError, Reject
from formats.writing import write, write_arrow, write_csv, write_ndjson

__all__ = [
    "MEDIA",
    "Batch",
    "Cancelled",
    "Column",
    "DateOrder",
    "Dialect",
    "Format",
    "Inferred",
    "Kind",
    "Media",
    "OnError",
    "Progress",
    "ReadOptions",
    "Reason",
    "Reject",
    "RejectsFile",
    "Role",
    "TypeRule",
    "by_accept",
    "by_content_type",
    "by_suffix",
    "infer",
    "parse_rule",
    "read",
    "write",
    "write_arrow",
    "write_csv",
    "write_ndjson",
]
