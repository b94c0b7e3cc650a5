"""Numbers as people read them: times, ratios, sizes, rates."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import exp, log
from typing import Any

GIB = 1 << 30


def duration(milliseconds: float) -> str:
    """Three digits, in the unit that suits."""
    if abs(milliseconds) < 1:
        return f"{milliseconds * 1000:.3g} µs"
    return f"{milliseconds:.3g} ms" if abs(milliseconds) < 1000 else f"{milliseconds / 1000:.3g} s"


def ratio(value: float) -> str:
    return f"{value:,.0f}×" if value >= 10 else f"{value:.2g}×"


def exact_ratio(value: float) -> str:
    """Three digits, where a verdict hangs on them: 1.66× is less than 1.7×."""
    return f"{value:.3g}×" if value < 1000 else f"{value:,.0f}×"


def size(octets: float) -> str:
    return f"{octets / GIB:.2f} GiB"


def rate(a_second: float) -> str:
    return f"{a_second:,.0f}/s"


def share(value: float) -> str:
    return f"{value:.0%}"


def bounded(profile: Mapping[str, Any]) -> str:
    """Where the time of a profiled query goes: `60% of the time in native kernels, over 30 counts; 48% bitmaps.py`."""
    if "bounds" not in profile:
        return f"over {profile['asked']} counts"
    most = ", ".join(f"{share(each['share'])} {each['function']}" for each in profile["bounds"])
    return f"{share(profile['kernels'])} of the time in native kernels, over {profile['asked']} counts; {most}"


def title(family: str) -> str:
    return family.replace("_", " ").capitalize()


def geometric_mean(values: Sequence[float]) -> float:
    """Of positive ones, at least one."""
    return exp(sum(map(log, values)) / len(values))
