"""The codes of problems that are none of an expression's own: those of requests, rows, files and segments.

With `dsl.problems.CODES` and `server.errors.Failure` these are all there are; a test holds the sources to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

OTHER_CODES: Mapping[str, str] = MappingProxyType(
    {
        # bodies and options
        "bad-value": "A value is not what its place in the body, the row or the request needs.",
        "bad-shape": "An object, a list or a row stands where something else must.",
        "unknown-key": "A body or the options have a member that is not known here.",
        "missing-key": "A body lacks a member that is needed.",
        "one-or-many": "Of `expression` and `expressions`, exactly one is given.",
        "bad-cursor": "A cursor was not given by a page of this query.",
        "bad-limit": "A page has at least one row, and at most so many.",
        "bad-query-id": "An X-Query-Id that cannot name a query.",
        "bad-timeout": "A timeout longer than any may be.",
        "bad-budget": "A budget that is no number of milliseconds.",
        "too-costly": "An expression that is estimated to cost more than the budget.",
        "bad-precondition": "An If-Match or If-None-Match that names no revision.",
        "bad-workspace": "A text that cannot name a workspace.",
        "empty-key": "A key without a name or without rights.",
        # contacts, companies and events
        "bad-id": "A text that cannot be an id.",
        "missing-id": "A row without an id.",
        "missing-type": "An event without a type.",
        "missing-time": "An event without a time.",
        "unknown-contact": "No contact has this id.",
        "unknown-event-type": "No event type has this name.",
        # segments
        "bad-key": "A text that cannot be the key of a segment.",
        "name-taken": "Another segment has this name.",
        "segment-cycle": "A segment that depends on itself, directly or through others.",
        "segment-twice": "A file has the same segment twice.",
        "contradiction": "A contact stands both among those to add by hand and those to remove, or to clear.",
        "cut-in-segment": "The rules of a segment end with a cut.",
        # files
        "import-failed": "An import ended before its end.",
        "bad-option": "An option of an import that does not go with the file or the others.",
        "unknown-encoding": "There is no such encoding.",
        "unreadable-format": "A file is in no form that is known.",
        "empty-file": "A file without a row.",
        "bad-encoding": "Bytes that are no text in the file's encoding.",
        "bad-json": "A line that is no JSON.",
        "bad-csv": "A file that cannot be read as CSV.",
        "bad-parquet": "A file that cannot be read as Parquet.",
        "line-too-long": "A line longer than the limit.",
        "unclosed-quote": "A quote that is opened and not closed.",
        "no-header": "The first line does not look like names of columns.",
        "unnamed-column": "A column without a name.",
        "duplicate-column": "Two columns of one name.",
        "duplicate-field": "Two columns for one field.",
        "unknown-column": "The file has no such column.",
        "other-columns": "A file has other columns than the first one.",
        "unreadable-column": "A column of a type that has no meaning here.",
        "no-key-column": "No column holds the ids.",
        "no-event-type": "Neither a column nor an option tells the type of the events.",
        "system-field": "A column is named as a field that the system keeps for itself.",
        "mixed-types": "The values of a column are of several types.",
        "wrong-type": "A value is of another type than its column.",
        "open-date-order": "Dates that may be read day first or month first.",
        "short-years": "Years of two digits, and the century that was taken.",
        "undeclared-choice": "A column of few values could be a choice.",
        "bad-pattern": "A pattern of a rule that cannot be compiled.",
        "bad-rule": "A rule for the types of events that is not of the documented shape.",
        # cells
        "bad-text": "A cell that is no text.",
        "bad-number": "A cell that is no number.",
        "bad-boolean": "A cell that is neither true nor false.",
        "bad-date": "A cell that is no date of the calendar.",
        "bad-datetime": "A cell that is no moment of the years 1 to 9999.",
        "bad-tags": "A cell that is no list of tags.",
        "too-many-decimals": "A number with more decimals than its field.",
        "number-out-of-range": "A number that is too large for its field.",
    }
)
"""Every such code, and what it means."""
