"""Searches the schedules of two counters: which additions can be lost, and in which order of steps?"""

from counters import Counter, LockedCounter

import scenrun


def unlocked():
    return Counter()


def locked():
    return LockedCounter()


def adds(counter):
    counter.add()


def counts_both(counter):
    assert counter.value() == 2, f"{counter.value()} of 2"


if __name__ == "__main__":
    print(scenrun.explore_code(unlocked, [adds, adds], counts_both))
    print(scenrun.explore_code(locked, [adds, adds], counts_both))
