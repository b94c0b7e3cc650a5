"""Moments, durations and periods: calendar time that stays relative until a clock is given.

Months and years are calendar ones, clamped to the month's end; days begin at midnight in the workspace's zone;
weeks start on Monday. Every period is half-open.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from zoneinfo import ZoneInfo


class Unit(StrEnum):
    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Clock:
    """The evaluation clock: an instant (milliseconds since 1970 UTC) and the workspace's zone."""

    now: int
    zone: ZoneInfo


class Window(Protocol):
    """A half-open stretch of time, either end of which may be open-ended (`None`)."""

    def instants(self, clock: Clock) -> tuple[int | None, int | None]:
        """[start, end) in milliseconds since 1970 UTC."""

    def days(self, clock: Clock) -> tuple[int | None, int | None]:
        """[start, end) in days since 1970, as `date` fields count them."""
