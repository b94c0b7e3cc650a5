"""Local time and UTC over arrays, against zoneinfo."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from formats.zones import to_local, to_utc

ZONES = ["Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Kolkata", "Pacific/Apia"]
EPOCH = datetime(1970, 1, 1)


def milliseconds(moment):
    return (moment - EPOCH) // timedelta(milliseconds=1)


@settings(max_examples=200, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    walls=st.lists(st.datetimes(datetime(1880, 1, 1), datetime(2150, 1, 1)), min_size=1, max_size=4),
)
def test_any_wall_clock_time_is_as_zoneinfo_has_it(zone, walls):
    zone = ZoneInfo(zone)
    expected = [milliseconds(wall.replace(tzinfo=zone).astimezone(UTC).replace(tzinfo=None)) for wall in walls]
    found = to_utc(np.array([milliseconds(wall) for wall in walls]), zone)
    assert found.tolist() == expected


@pytest.mark.parametrize("zone", ZONES)
def test_every_half_hour_of_some_years_both_ways(zone):
    zone = ZoneInfo(zone)
    for year in (2011, 2026):
        walls = [datetime(year, 1, 1) + timedelta(minutes=30 * i) for i in range(365 * 48)]
        moments = [wall.replace(tzinfo=zone).astimezone(UTC) for wall in walls]
        instants = to_utc(np.array([milliseconds(wall) for wall in walls]), zone)
        assert instants.tolist() == [milliseconds(moment.replace(tzinfo=None)) for moment in moments]
        local = [milliseconds(moment.astimezone(zone).replace(tzinfo=None)) for moment in moments]
        assert to_local(instants, zone).tolist() == local


def test_a_gap_moves_forward_and_what_comes_twice_is_the_first():
    paris = ZoneInfo("Europe/Paris")
    walls = np.array([milliseconds(datetime(2026, 3, 29, 2, 30)), milliseconds(datetime(2026, 10, 25, 2, 30))])
    assert to_utc(walls, paris).tolist() == [
        milliseconds(datetime(2026, 3, 29, 1, 30)),
        milliseconds(datetime(2026, 10, 25, 0, 30)),
    ]


def test_the_ends_of_the_calendar():
    for first, last in (((1, 1, 1), (1801, 1, 1)), ((9990, 1, 1), (9999, 12, 31))):
        walls = [datetime(*first), datetime(*last)]
        zone = ZoneInfo("Asia/Tokyo")
        offsets = np.array([wall.replace(tzinfo=zone).utcoffset() // timedelta(milliseconds=1) for wall in walls])
        local = np.array([milliseconds(wall) for wall in walls])
        assert to_utc(local, zone).tolist() == (local - offsets).tolist()
