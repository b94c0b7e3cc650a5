"""Stretches of time in which a local day, or hour, is one."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from dsl.schema import Type
from engine.plan.physical.calendar import local_days, local_hours, stretches

ZONES = ("UTC", "Europe/Paris", "Pacific/Apia", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kathmandu")
DAY, HOUR = 86_400_000, 3_600_000
APIA_LOST_A_DAY = 1_325_239_200_000


@pytest.mark.parametrize(("unit", "part"), [(DAY, local_days), (HOUR, local_hours)])
@settings(max_examples=60, deadline=None)
@given(st.integers(-(1 << 41), 1 << 41), st.integers(0, 400 * DAY), st.sampled_from(ZONES), st.integers(0, 1 << 32))
@example(APIA_LOST_A_DAY - 5 * DAY, 10 * DAY, "Pacific/Apia", 0)
@example(0, 0, "UTC", 0)
def test_a_part_of_the_time_is_the_same_in_a_stretch(unit, part, least, span, zone, seed):
    most = least + span
    begins = stretches(least, most, unit, zone)
    assert begins[0] == least
    assert (np.diff(begins) > 0).all()
    assert begins[-1] <= most
    ends = np.append(begins[1:] - 1, most)
    assert (ends - begins < unit).all()
    inside = np.random.default_rng(seed).integers(begins, ends + 1)
    there = part(begins, Type.DATETIME, zone)
    assert (there == part(inside, Type.DATETIME, zone)).all()
    assert (there == part(ends, Type.DATETIME, zone)).all()
