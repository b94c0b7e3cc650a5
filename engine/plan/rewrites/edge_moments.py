"""When somebody first or last did something, asked of the time indexes."""

from __future__ import annotations

from math import ceil, floor

from dsl.typed import AggregateFunction
from engine.plan.logical import Did, Difference, Interval, Measure, Plan, Satisfies, Selected, Union

_EDGES = (AggregateFunction.FIRST, AggregateFunction.LAST)


def difference_edge_moments(plan: Satisfies) -> Plan:
    """The last is in [a, b): there is one from a on, and none from b on. The first: one before b, and none before a.

    No moment is read: two existences are what the indexes by time hold.

    >>> opened = Selected("open", ("open",), end=9)
    >>> last = Satisfies(Measure(AggregateFunction.LAST, opened), (Interval(3, 5, high_open=True),))
    >>> difference_edge_moments(last) == Difference(Did(opened.between(3, 9)), Did(opened.between(5, 9)))
    True
    >>> first = Satisfies(Measure(AggregateFunction.FIRST, opened), (Interval(3, 4),))
    >>> difference_edge_moments(first) == Difference(Did(opened.between(None, 5)), Did(opened.between(None, 3)))
    True
    >>> difference_edge_moments(Satisfies(Measure(AggregateFunction.FIRST, opened), (Interval(),))) == Did(opened)
    True
    """
    match plan:
        case Satisfies(Measure(function, selected, None), ranges) if function in _EDGES:
            last = function is AggregateFunction.LAST
            items = tuple(_edge_within(selected, last, *_half_open(interval)) for interval in ranges)
            return items[0] if len(items) == 1 else Union(items)
        case _:
            return plan


def _half_open(interval: Interval) -> tuple[int | None, int | None]:
    """The whole milliseconds start <= moment < end of an interval."""
    low, high = interval.low, interval.high
    start = None if low is None else floor(low) + 1 if interval.low_open else ceil(low)
    end = None if high is None else ceil(high) if interval.high_open else floor(high) + 1
    return start, end


def _edge_within(selected: Selected, last: bool, start: int | None, end: int | None) -> Plan:
    """Contacts whose first or last selected event lies in [start, end). An empty window differs by nothing."""
    if last:
        keep, beyond = selected.between(start, None), None if end is None else selected.between(end, None)
    else:
        keep, beyond = selected.between(None, end), None if start is None else selected.between(None, start)
    return Did(keep) if beyond is None else Difference(Did(keep), Did(beyond))
