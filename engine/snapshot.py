"""One immutable state of a whole workspace: the data, the schema and the saved segments, as of one record."""

from __future__ import annotations

from dataclasses import dataclass

from dsl.schema import Schema
from engine.segments import SegmentBook
from engine.tables.state import TablesVersion


@dataclass(frozen=True, slots=True)
class Snapshot:
    """Everything up to journal record `seq`, and nothing after it. Reading it takes no lock."""

    data: TablesVersion
    segments: SegmentBook

    @property
    def seq(self) -> int:
        return self.data.seq

    @property
    def schema(self) -> Schema:
        return self.data.schema
