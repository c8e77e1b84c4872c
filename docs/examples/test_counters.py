"""Two ways to test every schedule of threads: a marked test that starts them, and functions given to a fixture."""

import threading

import pytest
from counters import Counter, LockedCounter


@pytest.mark.scenrun
def test_nothing_is_lost():
    counter = LockedCounter()
    threads = [threading.Thread(target=counter.add) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert counter.value() == 2


@pytest.mark.scenrun(expect="violated")
def test_without_the_lock_something_is_lost():
    counter = Counter()
    thread = threading.Thread(target=counter.add)
    thread.start()
    counter.add()
    thread.join()
    assert counter.value() == 2


def adds(counter):
    counter.add()


def counts_both(counter):
    assert counter.value() == 2, f"{counter.value()} of 2"


def test_functions_are_searched(every_schedule):
    every_schedule(LockedCounter, [adds, adds], counts_both)
