"""Work shared by threads: all of it, in order, under one deadline, and the first failure ends it."""

import threading
import time

import pytest

from engine import parallel
from engine.deadline import Deadline, DeadlineExceeded, kept, still_wanted
from engine.parallel import on_every_core


@pytest.fixture(autouse=True)
def _three_cores(monkeypatch):
    monkeypatch.setattr(parallel, "CORES", 3)


def test_what_is_made_is_in_the_order_of_the_items():
    def slowly(number):
        time.sleep(0.01 if number % 3 == 0 else 0)
        return number * number

    assert on_every_core(slowly, iter(range(50))) == [number * number for number in range(50)]
    assert on_every_core(slowly, []) == []


def test_several_threads_work_at_once():
    together = threading.Barrier(2, timeout=60)
    assert on_every_core(lambda _: together.wait() >= 0, range(2)) == [True, True]


def test_a_failure_is_raised_and_nothing_begins_after_it():
    begun = []

    def failing(number):
        begun.append(number)
        time.sleep(0.01)
        if number == 3:
            raise LookupError("three")

    with pytest.raises(LookupError, match="three"):
        on_every_core(failing, range(1000))
    assert len(begun) < 20


def test_the_deadline_is_kept_in_every_thread():
    stopped = set()

    def waiting(_):
        try:
            for _ in range(1000):
                time.sleep(0.01)
                still_wanted()
        except DeadlineExceeded:
            stopped.add(threading.get_ident())
            raise

    with pytest.raises(DeadlineExceeded), kept(Deadline(50)):
        on_every_core(waiting, range(2))
    assert len(stopped) == 2


def test_work_within_work_does_not_wait_for_threads_that_wait_for_it():
    def sum_of_squares(number):
        return sum(on_every_core(lambda each: each * each, range(number)))

    assert on_every_core(sum_of_squares, range(20)) == [sum(each * each for each in range(n)) for n in range(20)]
