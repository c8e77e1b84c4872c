"""The works of benchmarks/exploring.py on Python's own threads, for the tools that run schedules of real code."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any

SEATS = 5


class Counter:
    """A value that two threads read and write back."""

    def __init__(self) -> None:
        self.value = 0

    def add(self) -> None:
        """Not atomic."""
        mine = self.value
        self.value = mine + 1


class Additions:
    """A value that threads add to, with a lock and without."""

    def __init__(self) -> None:
        self.value = 0
        self.lock = threading.Lock()

    def one(self) -> None:
        """One addition."""
        self.value += 1

    def one_locked(self) -> None:
        """One addition under the lock."""
        with self.lock:
            self.value += 1

    def hundred(self) -> None:
        """A hundred additions."""
        for _ in range(100):
            self.value += 1


class Buffer:
    """A queue of one for five items of each producer and each consumer."""

    def __init__(self) -> None:
        self.line: queue.Queue[int] = queue.Queue(maxsize=1)

    def produce(self) -> None:
        """Put five."""
        for _ in range(5):
            self.line.put(1)

    def consume(self) -> None:
        """Get five."""
        for _ in range(5):
            self.line.get()


class Table:
    """Forks between the philosophers."""

    def __init__(self) -> None:
        self.forks = [threading.Lock() for _ in range(SEATS)]

    def eat(self, index: int) -> None:
        """Once, with the left fork first."""
        left, right = self.forks[index], self.forks[(index + 1) % SEATS]
        left.acquire()
        right.acquire()
        left.release()
        right.release()


def _philosopher(index: int) -> Callable[[Any], None]:
    return lambda table: table.eat(index)


WORKS: dict[str, tuple[Callable[[], Any], list[Callable[[Any], None]]]] = {
    "one": (Additions, [Additions.one] * 2),
    "one_locked": (Additions, [Additions.one_locked] * 2),
    "hundred": (Additions, [Additions.hundred] * 2),
    "lost_update": (Counter, [Counter.add] * 2),
    "buffer": (Buffer, [Buffer.produce] * 2 + [Buffer.consume] * 2),
    "philosophers": (Table, [_philosopher(index) for index in range(SEATS)]),
}
"""What the threads share, and what each of them does with it."""
