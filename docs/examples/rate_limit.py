"""A real bug: the memory storage of the package `limits` 5.8.0 loses a hit if two threads are the first to use a key.

    pip install limits==5.8.0
    python rate_limit.py

`incr` looks whether the key has expired before it takes the key's lock, and removes the count and the lock of a key that has
no expiry yet: so it removes what another thread has just counted. On plain threads, with a switch interval of 1 us, about one
pair of first hits in 200 lost one.
"""

import threading

from limits.storage import MemoryStorage

import scenrun


class OneAtATime(MemoryStorage):
    """The same storage, mended: one lock for the whole of `incr`."""

    def __init__(self):
        self.one = threading.Lock()
        super().__init__()

    def incr(self, key, expiry, amount=1):
        """Count a hit, one at a time."""
        with self.one:
            return super().incr(key, expiry, amount)


def released():
    return MemoryStorage()


def mended():
    return OneAtATime()


def hits(storage):
    storage.incr("key", 60)


def counts_both(storage):
    count = storage.get("key")
    assert count == 2, f"{count} of 2 hits are counted"


if __name__ == "__main__":
    print(scenrun.explore_code(released, [hits, hits], counts_both, trace=["limits"]))
    print(scenrun.explore_code(mended, [hits, hits], counts_both, trace=["limits"], schedules=200))
