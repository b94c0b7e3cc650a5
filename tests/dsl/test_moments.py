from dataclasses import replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from language_examples import SCHEMA

from dsl.check import understand
from dsl.moments import Clock, Rolling, Unit, day_of, midnight, step_day
from dsl.typed import Did

PARIS = ZoneInfo("Europe/Paris")
ZONES = [PARIS, ZoneInfo("UTC"), ZoneInfo("America/New_York"), ZoneInfo("Pacific/Apia"), ZoneInfo("Asia/Kathmandu")]


def ms(text, zone=PARIS):
    """Milliseconds of a local time; with an offset, of that instant."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=zone)
    return (moment - datetime.fromisoformat("1970-01-01T00:00+00:00")) // timedelta(milliseconds=1)


def days(text):
    return (date.fromisoformat(text) - date(1970, 1, 1)).days


def window(bound):
    condition = understand(f"did open {bound}", SCHEMA).condition
    assert isinstance(condition, Did)
    return condition.selector.window


def between(bound, now):
    start, end = window(bound).instants(Clock(ms(now), PARIS))
    return start, end


def on_days(bound, now):
    return window(bound).days(Clock(ms(now), PARIS))


@pytest.mark.parametrize(
    ("bound", "now", "start", "end"),
    [
        # daylight saving begins on 2026-03-29 at 02:00 in Paris, and ends on 2026-10-25 at 03:00
        ("in last 1 day", "2026-03-29T12:00", "2026-03-28T12:00", "2026-03-29T12:00"),
        ("in last 24 hours", "2026-03-29T12:00", "2026-03-28T11:00", "2026-03-29T12:00"),
        ("in last 1 day", "2026-03-30T02:30", "2026-03-29T03:30", "2026-03-30T02:30"),
        ("in last 1 day", "2026-10-26T02:30", "2026-10-25T02:30+02:00", "2026-10-26T02:30"),
        ("on 2026-03-29", "2026-01-01T00:00", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"),
        ("on 2026-10-25", "2026-01-01T00:00", "2026-10-25T00:00+02:00", "2026-10-26T00:00+01:00"),
        ("since 2026-03-29T02:30", "2026-01-01T00:00", "2026-03-29T03:30", None),
        ("since 2026-10-25T02:30", "2026-01-01T00:00", "2026-10-25T02:30+02:00", None),
        # months and years are clamped
        ("in last 1 month", "2026-03-31T10:00", "2026-02-28T10:00", "2026-03-31T10:00"),
        ("in last 1 year", "2028-02-29T10:00", "2027-02-28T10:00", "2028-02-29T10:00"),
        ("in next 1 month", "2028-01-31T10:00", "2028-01-31T10:00", "2028-02-29T10:00"),
        ("since today - 3 months", "2026-05-31T10:00", "2026-02-28T00:00", None),
        ("since 3 months ago", "2026-05-31T10:00", "2026-02-28T10:00", None),
        # New Year, weeks
        ("in this week", "2027-01-01T10:00", "2026-12-28T00:00", "2027-01-04T00:00"),
        ("in last month", "2027-01-15T10:00", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("in next year", "2026-12-31T23:59", "2027-01-01T00:00", "2028-01-01T00:00"),
        ("in last week", "2026-11-22T23:00", "2026-11-09T00:00", "2026-11-16T00:00"),
        ("in 2026", "2026-01-01T00:00", "2026-01-01T00:00", "2027-01-01T00:00"),
        ("in 2026-12", "2026-01-01T00:00", "2026-12-01T00:00", "2027-01-01T00:00"),
        ("on yesterday", "2027-01-01T00:30", "2026-12-31T00:00", "2027-01-01T00:00"),
        # bounds
        ("before 2026-06-30", "2026-01-01T00:00", None, "2026-06-30T00:00"),
        ("after 2026-06-30", "2026-01-01T00:00", "2026-07-01T00:00", None),
        ("after 2026-06-30T10:00", "2026-01-01T00:00", "2026-06-30T10:00:00.001", None),
        ("between 2026-01-01 and 2026-02-01", "2026-01-01T00:00", "2026-01-01T00:00", "2026-02-02T00:00"),
        ("before 7 days ago", "2026-01-08T10:00:00.123", None, "2026-01-01T10:00:00.123"),
        ("in last 36 hours", "2026-01-03T00:00", "2026-01-01T12:00", "2026-01-03T00:00"),
    ],
)
def test_windows_as_instants(bound, now, start, end):
    assert between(bound, now) == (start and ms(start), end and ms(end))


@pytest.mark.parametrize(
    ("bound", "now", "start", "end"),
    [
        ("in last 7 days", "2026-01-03T00:30", "2025-12-28", "2026-01-04"),
        ("in last 1 day", "2026-01-03T00:30", "2026-01-03", "2026-01-04"),
        ("in next 7 days", "2026-12-30T23:30", "2026-12-30", "2027-01-06"),
        ("in last 1 month", "2026-03-31T10:00", "2026-03-01", "2026-04-01"),
        ("in last 2 weeks", "2026-01-14T10:00", "2026-01-01", "2026-01-15"),
        ("in last 3 hours", "2026-01-03T01:00", "2026-01-02", "2026-01-04"),
        ("after today", "2026-01-03T01:00", "2026-01-04", None),
        ("before 7 days ago", "2026-01-08T10:00", None, "2026-01-01"),
        ("in 2028-02", "2026-01-08T10:00", "2028-02-01", "2028-03-01"),
    ],
)
def test_windows_as_days(bound, now, start, end):
    assert on_days(bound, now) == (start and days(start), end and days(end))


def test_a_between_that_ends_before_it_starts_is_empty():
    start, end = between("between 2026-02-01 and 2026-01-01", "2026-01-01T00:00")
    assert start == end


def test_only_what_moves_with_the_clock_is_relative():
    assert not window("since 2026-01-01").relative
    assert window("between 2026-01-01 and today").relative


instants = st.integers(ms("1950-01-01T00:00"), ms("2090-01-01T00:00"))


@given(instants, st.sampled_from(ZONES), st.integers(0, 5000), st.sampled_from(Unit), st.sampled_from([-1, 1]))
def test_rolling_windows_touch_now_and_never_turn_round(now, zone, count, unit, sign):
    clock = Clock(now, zone)
    start, end = Rolling(sign * count, unit).instants(clock)
    assert start <= end
    assert now in (start, end)
    first, last = Rolling(sign * count, unit).days(clock)
    assert first <= last


@given(st.integers(-20_000, 40_000), st.integers(-2000, 2000))
def test_months_step_to_the_same_day_or_the_last(day, months):
    start = date(1970, 1, 1) + timedelta(days=day)
    end = date(1970, 1, 1) + timedelta(days=step_day(day, months, Unit.MONTH))
    assert (end.year - start.year) * 12 + end.month - start.month == months
    assert end.day == start.day or (end.day < start.day and (end + timedelta(days=1)).day == 1)


@given(instants, st.sampled_from(ZONES), st.integers(0, 10**9), st.sampled_from(Unit))
def test_however_far_a_window_never_fails(now, zone, count, unit):
    for sign in (-1, 1):
        start, end = Rolling(sign * count, unit).instants(Clock(now, zone))
        assert start <= end


@pytest.mark.parametrize("zone", ["Europe/Paris", "Pacific/Apia", "America/New_York"])
@pytest.mark.parametrize(
    "bound",
    [
        "since 9999-12-31T23:59 + 1 year",
        "before 0001-01-01T00:00 - 1 day",
        "in 9999",
        "in 9999-12",
        "on 0001-01-01",
        "after 9999-12-31",
        "since 0001-01-01T00:00+14:00",
        "in last 1000000000 years",
        "since today - 1000000000 months",
    ],
)
def test_the_ends_of_the_calendar(bound, zone):
    found = understand(f"did open {bound}", replace(SCHEMA, timezone=zone)).condition.selector.window
    clock = Clock(ms("2026-01-01T00:00"), ZoneInfo(zone))
    for start, end in (found.instants(clock), found.days(clock)):
        assert start is None or end is None or start <= end


@pytest.mark.parametrize(
    ("day", "zone", "begins"),
    [
        ("9999-12-31", "UTC", "9999-12-31T00:00"),
        ("9999-12-31", "America/New_York", "9999-12-31T05:00"),
        ("0001-01-01", "UTC", "0001-01-01T00:00"),
    ],
)
def test_the_first_and_the_last_day_begin_when_they_do(day, zone, begins):
    instant = ms(f"{begins}+00:00")
    assert midnight(days(day), ZoneInfo(zone)) == instant
    assert day_of(instant, ZoneInfo(zone)) == days(day)
