"""Files in and out: reading CSV, NDJSON and Parquet into typed batches, writing members out again."""

from formats.batch import Batch, Kind
from formats.inferred import Column, DateOrder, Dialect, Inferred, ReadOptions, Role
from formats.inferring import infer
from formats.media import MEDIA, Format, Media, by_accept, by_content_type, by_suffix
from formats.reading import Cancelled, Progress, read
from formats.rows import OnError, Reject

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
    "Reject",
    "Role",
    "by_accept",
    "by_content_type",
    "by_suffix",
    "infer",
    "read",
]
