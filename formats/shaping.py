"""From rows to batches: each column converted to its field, bad rows told apart from good ones."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from dsl.problems import Problem
from dsl.schema import Field, Schema, Type
from formats.batch import Batch, Kind
from formats.content_ids import content_ids
from formats.convert import Manner, convert, misfit
from formats.event_types import event_types
from formats.fields import fields_of
from formats.inferred import Column, Inferred, Role
from formats.numbers import Mask, mask_of, valid, without
from formats.rows import Indices, Reject, Rows

TEXT = Field("text", Type.TEXT)
AT = Field("at", Type.DATETIME)

Keep = Callable[[pa.Array | None], pa.Array | None]
"""Leaves the bad rows out of an array."""


@dataclass(frozen=True, slots=True)
class Fault:
    """A column's bad rows. `problem` is what is wrong with all of them; None when it depends on the value."""

    column: Column
    field: Field
    bad: Mask
    problem: Problem | None = None
    unreadable: bool = False

    def problem_of(self, value: object, rows: Rows, manner: Manner) -> Problem:
        if self.problem is not None:
            return self.problem
        return rows.unreadable(value, self.field) if self.unreadable else misfit(value, self.field, manner)


@dataclass(frozen=True, slots=True)
class Shape:
    """What the rows of a file become: its columns, and the fields they go to by event type (None for profiles)."""

    inferred: Inferred
    manner: Manner
    fields: dict[str | None, dict[str, Field]]

    @classmethod
    def of(cls, inferred: Inferred, schema: Schema) -> Shape:
        events = {*schema.events, *inferred.patch.get(Kind.EVENTS.value, {})}
        if inferred.event is not None:
            events.add(inferred.event)
        names: list[str | None] = [*sorted(events)] if inferred.kind is Kind.EVENTS else [None]
        return cls(
            inferred,
            Manner(inferred.dialect, schema.zone),
            {name: fields_of(schema, inferred, name) for name in names},
        )

    def batches(self, rows: Rows) -> tuple[list[Batch], list[Reject]]:
        """The rows' batches, one for each event type among them, and the rows that fit none, by row."""
        shaped = [self._one(part, event) for event, part in self._parts(rows)]
        rejects = rows.rejects + [reject for _, rejected in shaped for reject in rejected]
        return [batch for batch, _ in shaped if len(batch)], sorted(rejects, key=lambda reject: reject.row)

    def _parts(self, rows: Rows) -> Iterator[tuple[str | None, Rows]]:
        """The rows by event type; a row that names none, or an unknown one, has type None."""
        told = self.inferred.type_rules or self.inferred.with_role(Role.TYPE) is not None
        if self.inferred.kind is not Kind.EVENTS or not told:
            yield self.inferred.event, rows
            return
        coded = pc.dictionary_encode(event_types(self.inferred, len(rows), rows.texts))
        codes = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False)
        names = coded.dictionary.to_pylist()
        if len(names) == 1 and not coded.indices.null_count:
            yield self._known(names[0]), rows
            return
        for code in np.unique(codes).tolist():
            yield self._known(names[code]) if code >= 0 else None, rows.select(np.flatnonzero(codes == code))

    def _known(self, event: str) -> str | None:
        return event if event in self.fields else None

    def _one(self, rows: Rows, event: str | None) -> tuple[Batch, list[Reject]]:
        faults: list[Fault] = []
        system = {role: self._system(rows, role, faults) for role in (Role.KEY, Role.AT, Role.EVENT_ID, Role.COMPANY)}
        if self.inferred.kind is Kind.EVENTS and event is None:
            faults.append(self._no_type(rows))
        columns = self._columns(rows, event, faults)
        bad = np.zeros(len(rows), dtype=np.bool_)
        for fault in faults:
            bad |= fault.bad
        kept = None if not bad.any() else pa.array(~bad)

        def keep(array: pa.Array | None) -> pa.Array | None:
            return array if array is None or kept is None else array.filter(kept)

        ids = self._ids(rows, event, keep)
        at = keep(system[Role.AT])
        batch = Batch(
            self.inferred.kind,
            keep(system[Role.KEY]),
            event=event,
            at=None if at is None else at.to_numpy(zero_copy_only=False),
            ids=keep(system[Role.EVENT_ID]) if ids is None else ids,
            company=keep(system[Role.COMPANY]),
            columns={name: keep(array) for name, array in columns.items()},
        )
        return batch, self._rejects(rows, np.flatnonzero(bad), faults)

    def _system(self, rows: Rows, role: Role, faults: list[Fault]) -> pa.Array | None:
        column = self.inferred.with_role(role)
        if column is None:
            return None
        field = AT if role is Role.AT else TEXT
        values = self._field(rows, column, field, faults)
        if role is not Role.AT:
            values = _trimmed(values)
        if role in (Role.KEY, Role.AT) and values.null_count:
            found = ~valid(values)
            faults.append(Fault(column, field, found, _MISSING[role]))
        return values

    def _ids(self, rows: Rows, event: str | None, keep: Keep) -> pa.StringArray | None:
        """Ids made of the rows' contents, where that is asked for."""
        columns = [keep(rows.texts(header)) for header in self.inferred.id_columns]
        return content_ids(event, columns) if columns and event is not None else None

    def _no_type(self, rows: Rows) -> Fault:
        column = self.inferred.with_role(Role.TYPE)
        bad = np.ones(len(rows), dtype=np.bool_)
        if column is None:
            told = self.inferred.named(self.inferred.type_rules[0].column)
            return Fault(told, TEXT, bad, Problem("unknown-event-type", "no rule gives this row an event type"))
        problem = Problem(
            "unknown-event-type", "the event type is missing, or neither in the schema nor in the rows looked at first"
        )
        return Fault(column, TEXT, bad, problem)

    def _columns(self, rows: Rows, event: str | None, faults: list[Fault]) -> dict[str, pa.Array]:
        fields = self.fields.get(event, {})
        columns: dict[str, pa.Array] = {}
        for column in self.inferred.columns:
            if column.field is None:
                continue
            field = fields.get(column.field)
            if field is not None:
                columns[column.field] = self._field(rows, column, field, faults)
            elif event is not None:
                self._alien(rows, column, faults)
        return columns

    def _field(self, rows: Rows, column: Column, field: Field, faults: list[Fault]) -> pa.Array:
        cells, wrong = rows.cells(column, field)
        values, bad = convert(cells, field, replace(self.manner, separator=column.separator))
        if wrong.any():
            faults.append(Fault(column, field, wrong, unreadable=True))
        if bad.any():
            faults.append(Fault(column, field, bad))
        return values

    def _alien(self, rows: Rows, column: Column, faults: list[Fault]) -> None:
        """A column that this event type does not have must be empty."""
        cells, wrong = rows.cells(column, Field(column.field or "", column.type or Type.TEXT))
        found = wrong | valid(cells)
        if found.any():
            problem = Problem(
                "unknown-field", "this event type has no such property, in the schema or in the rows looked at first"
            )
            faults.append(Fault(column, TEXT, found, problem))

    def _rejects(self, rows: Rows, bad: Indices, faults: list[Fault]) -> list[Reject]:
        """The bad rows, each with the first of its faults."""
        if not len(bad):
            return []
        told = rows.select(bad)
        found = [next(fault for fault in faults if fault.bad[index]) for index in bad.tolist()]
        return [self._reject(told, index, fault) for index, fault in enumerate(found)]

    def _reject(self, rows: Rows, index: int, fault: Fault) -> Reject:
        value = rows.value(index, fault.column)
        problem = fault.problem_of(value, rows, self.manner)
        return Reject.of(rows.place(index), problem, rows.raw(index), fault.column, value)


_MISSING = {
    Role.KEY: Problem("missing-id", "the id is missing"),
    Role.AT: Problem("missing-time", "the time is missing"),
}


def _trimmed(texts: pa.StringArray) -> pa.StringArray:
    """Ids without the white space around them; null where nothing is left."""
    trimmed = pc.utf8_trim_whitespace(texts)
    return without(trimmed, mask_of(pc.equal(trimmed, "")))
