"""Small programs whose verdict is known, for `scenrun explore --self-test`. They are searched as a copy."""

from __future__ import annotations

import queue
import threading
from concurrent.futures import ThreadPoolExecutor


class Shared:
    """What the threads share."""

    def __init__(self) -> None:
        self.n = 0
        self.seen = 0
        self.go = False
        self.one, self.other = threading.Lock(), threading.Lock()
        self.condition = threading.Condition()
        self.queue: queue.Queue[int] = queue.Queue()


def shared() -> Shared:
    """Anew for each schedule."""
    return Shared()


def adds(s: Shared) -> None:
    """Reads and writes."""
    s.n += 1


def adds_locked(s: Shared) -> None:
    """The same, one at a time."""
    with s.one:
        s.n += 1


def one_then_other(s: Shared) -> None:
    """Takes both locks."""
    with s.one, s.other:
        s.n += 1


def other_then_one(s: Shared) -> None:
    """Takes both locks the other way round."""
    with s.other, s.one:
        s.n += 1


def waits_without_looking(s: Shared) -> None:
    """Misses what was told before."""
    with s.condition:
        s.condition.wait()


def waits(s: Shared) -> None:
    """Looks before it waits."""
    with s.condition:
        while not s.go:
            s.condition.wait()


def tells(s: Shared) -> None:
    """Tells those who wait."""
    with s.condition:
        s.go = True
        s.condition.notify()


def puts(s: Shared) -> None:
    """Puts an item."""
    s.queue.put(1)


def gets(s: Shared) -> None:
    """Waits for an item."""
    s.n = s.queue.get() + 1


def spins(s: Shared) -> None:
    """Looks until somebody else has come."""
    while not s.go:
        pass


def goes(s: Shared) -> None:
    """Comes."""
    s.go = True


def starts_two(s: Shared) -> None:
    """Starts threads of its own."""
    threads = [threading.Thread(target=adds, args=(s,)) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()


def submits(s: Shared) -> None:
    """Has another work for it."""
    with ThreadPoolExecutor(1) as pool:
        pool.submit(adds, s).result()
    s.n += 1


def pops(s: Shared) -> None:
    """Raises if another thread comes between."""
    if s.n == 0:
        s.n = 1
        if s.n != 1:
            raise LookupError("another thread came")
        s.n = 0


def is_two(s: Shared) -> bool:
    """Whether nothing was lost."""
    return s.n == 2


PROGRAMS: dict[str, tuple[tuple[str, ...], str | None, str]] = {
    "an update is lost": (("adds", "adds"), "is_two", "violated"),
    "a lock keeps it": (("adds_locked", "adds_locked"), "is_two", "holds"),
    "two locks, two orders": (("one_then_other", "other_then_one"), None, "deadlock"),
    "two locks, one order": (("one_then_other", "one_then_other"), "is_two", "holds"),
    "a condition is told too early": (("waits_without_looking", "tells"), None, "deadlock"),
    "a condition is looked at": (("waits", "tells"), None, "holds"),
    "a queue": (("puts", "gets"), "is_two", "holds"),
    "a loop that waits": (("spins", "goes"), None, "holds"),
    "a loop that waits in vain": (("spins",), None, "livelock"),
    "threads of its own": (("starts_two",), "is_two", "violated"),
    "a pool": (("submits",), "is_two", "holds"),
    "an exception": (("pops", "adds"), None, "exception"),
}
"""By name: the functions of the threads, that of the check, and the verdict."""
