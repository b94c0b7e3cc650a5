"""Frequencies are brought to a form in which nobody without events has to be counted."""

from __future__ import annotations

from msgspec.structs import replace

from engine.plan.logical import Complement, Did, Everything, Nothing, Plan


def normalise_frequency(plan: Did) -> Plan:
    """A frequency that includes zero is the complement of one that does not.

    >>> from engine.plan.logical import Selected
    >>> opened = Selected("open", ("open",))
    >>> normalise_frequency(Did(opened, 0, 0)) == Complement(Did(opened, 1))
    True
    >>> normalise_frequency(Did(opened, 0, 2)) == Complement(Did(opened, 3))
    True
    >>> normalise_frequency(Did(opened, 0))
    Everything()
    >>> normalise_frequency(Did(opened, 3, 2))
    Nothing()
    """
    low, high = plan.low, plan.high
    if high is not None and high < max(low, 0):
        return Nothing()
    if low > 0:
        return plan
    return Everything() if high is None else Complement(replace(plan, low=high + 1, high=None))
