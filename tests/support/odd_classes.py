"""Classes with something in which a check may err, and such that cannot be checked."""

from __future__ import annotations

import queue
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from classes_to_check import Counter


class WriterFirst:
    """Many readers or one writer; new readers wait for a writer that waits."""

    def __init__(self) -> None:
        self._readers = 0
        self._waiting = False
        self._changed = threading.Condition()

    def begin_reading(self) -> None:
        with self._changed:
            while self._waiting:
                self._changed.wait()
            self._readers += 1

    def begin_writing(self) -> None:
        with self._changed:
            self._waiting = True
            while self._readers:
                self._changed.wait()
            self._waiting = False


class Owned:
    """A lock of who has taken it: others cannot give it back."""

    def __init__(self) -> None:
        self._lock = threading.RLock()

    def take(self) -> bool:
        return self._lock.acquire(blocking=False)

    def give_back(self) -> None:
        self._lock.release()


class Empty:
    """Nothing to call."""


class NeedsFunction:
    def __init__(self, callback: Any) -> None:
        self._callback = callback

    def call(self) -> Any:
        return self._callback()


class Raising:
    def __init__(self, size: int) -> None:
        raise ValueError(f"no {size}")

    def get(self) -> None:
        """Nothing."""


class Abstract(ABC):
    @abstractmethod
    def get(self) -> None:
        """Nothing."""


class Odd:
    """Methods that cannot be compared."""

    def __init__(self) -> None:
        self._items = [1, 2]

    def size(self) -> int:
        return len(self._items)

    def forever(self) -> None:
        number = 0
        while True:
            number += 1
            time.sleep(1)

    def draws(self) -> object:
        return id(object())

    def reads_file(self) -> str:
        with open(__file__) as file:
            return file.read()

    def fails(self, size: int) -> Any:
        return size + "x"  # type: ignore[operator]

    @contextmanager
    def manages(self) -> Iterator[None]:
        yield

    def with_function(self, callback: Callable[[], int]) -> int:
        return callback()

    def some(self) -> Iterator[int]:
        yield from self._items


class Worker:
    """A thread of its own does what it is told."""

    def __init__(self) -> None:
        self._line: queue.Queue[int] = queue.Queue()
        self._done: queue.Queue[int] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        while True:
            self._done.put(self._line.get() * 2)

    def double(self, number: int) -> int:
        self._line.put(number)
        return self._done.get()


class Backwards(Counter):
    """Another thing than a counter."""

    def add(self) -> int:
        self.count -= 1
        return self.count


class TwoCounters:
    """One lock around the counter, and one around nothing."""

    def __init__(self) -> None:
        self._count = 0
        self._guard = threading.Lock()
        self._idle = threading.Lock()

    def add(self) -> int:
        with self._idle:
            pass
        with self._guard:
            self._count += 1
            return self._count


class Meeting(Counter):
    """Waits between the read and the write until another thread has read as well."""

    def __init__(self) -> None:
        super().__init__()
        self._met = threading.Barrier(2)

    def add(self) -> int:
        before = self.count
        self._met.wait()
        self.count = before + 1
        return self.count


class Clock:
    """Says what time it is."""

    def now(self) -> float:
        return time.monotonic()


class Collector:
    """A thread that its constructor starts takes what is put, for ever."""

    def __init__(self) -> None:
        self._line: queue.SimpleQueue[int] = queue.SimpleQueue()
        self._taken: list[int] = []
        threading.Thread(target=self._take, daemon=True).start()

    def _take(self) -> None:
        while True:
            self._taken.append(self._line.get())

    def put(self, number: int) -> bool:
        self._line.put(number)
        return True


class DictTrick:
    """Each method is one operation of the dictionary of its attributes, of which a search does not know what it touches."""

    def set(self, value: int) -> None:
        self.__dict__.update(a=value)

    def get(self) -> Any:
        return self.__dict__.get("a")


class Torn:
    """A property whose two halves are set one after the other, and what a check does not call by itself."""

    def __init__(self) -> None:
        self._a = self._b = 0

    @property
    def both(self) -> tuple[int, int]:
        return self._a, self._b

    @both.setter
    def both(self, value: int) -> None:
        self._a = value
        self._b = value

    async def later(self) -> None:
        """A call of no thread."""

    def __enter__(self) -> Torn:
        return self

    def __exit__(self, *error: object) -> None:
        return None


class TwoAtOnce:
    """A semaphore lets two in."""

    def __init__(self) -> None:
        self._places = threading.Semaphore(2)
        self._count = 0

    def add(self) -> None:
        with self._places:
            self._count += 1

    def count(self) -> int:
        return self._count


class IfInPlaceOfWhile:
    """Who was woken does not look again."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._items: deque[int] = deque()

    def put(self, item: int) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()

    def get(self) -> int:
        with self._changed:
            if not self._items:
                self._changed.wait()
            return self._items.popleft()


def no_object() -> None:
    """Makes nothing."""
