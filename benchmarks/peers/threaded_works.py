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
    "lost_update": (Counter, [Counter.add] * 2),
    "buffer": (Buffer, [Buffer.produce] * 2 + [Buffer.consume] * 2),
    "philosophers": (Table, [_philosopher(index) for index in range(SEATS)]),
}
"""What the threads share, and what each of them does with it."""
