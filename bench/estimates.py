"""How far estimated costs are from actual ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.telling import duration, ratio

FAR_OFF = 10.0
"""Times as much or as little as the actual cost, from where on an estimate is said to be far off."""


def factor(cost: Mapping[str, Any]) -> float:
    """At least 1, whichever way it is off."""
    return float(max(cost["estimated"] / cost["actual"], cost["actual"] / cost["estimated"]))


def estimate(cost: Mapping[str, Any]) -> str:
    """`47.8 ms estimated, 379 µs actual: 126× too high`."""
    way = "high" if cost["estimated"] > cost["actual"] else "low"
    told = f"{duration(cost['estimated'])} estimated, {duration(cost['actual'])} actual"
    return f"{told}: {ratio(factor(cost))} too {way}"
