"""Classes of which it is known whether they are thread-safe: each broken one beside one that is mended."""

from __future__ import annotations

import queue
import threading
import weakref
from collections import OrderedDict, deque
from contextlib import suppress
from typing import Any


class Counter:
    """Reads, then writes."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> int:
        after = self.count + 1
        self.count = after
        return after

    def value(self) -> int:
        return self.count


class LockedCounter(Counter):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def add(self) -> int:
        with self._lock:
            return super().add()


class HalfLockedCounter(LockedCounter):
    """The lock is given back between the read and the write."""

    def add(self) -> int:
        with self._lock:
            before = self.count
        with self._lock:
            self.count = before + 1
            return self.count


class Cache:
    """Of two items; what was used last stays."""

    def __init__(self, maxsize: int) -> None:
        self._maxsize = maxsize
        self._items: OrderedDict[str, int] = OrderedDict()

    def get(self, key: str) -> int | None:
        if key in self._items:
            self._items.move_to_end(key)
            return self._items[key]
        return None

    def put(self, key: str, value: int) -> None:
        self._items[key] = value
        if len(self._items) > self._maxsize:
            self._items.popitem(last=False)

    def drop(self, key: str) -> None:
        if key in self._items:
            del self._items[key]


class LockedCache(Cache):
    def __init__(self, maxsize: int) -> None:
        super().__init__(maxsize)
        self._lock = threading.RLock()

    def get(self, key: str) -> int | None:
        with self._lock:
            return super().get(key)

    def put(self, key: str, value: int) -> None:
        with self._lock:
            super().put(key, value)

    def drop(self, key: str) -> None:
        with self._lock:
            super().drop(key)


class CacheLockedInPut(LockedCache):
    """Somebody thought that reading needs no lock."""

    def get(self, key: str) -> int | None:
        return Cache.get(self, key)


class Made:
    """Something that is made once."""


class Lazy:
    def __init__(self) -> None:
        self._made: Made | None = None

    def get(self) -> Made:
        if self._made is None:
            self._made = Made()
        return self._made


class LockedLazy(Lazy):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def get(self) -> Made:
        with self._lock:
            return super().get()


class TwiceLookedLazy(LockedLazy):
    """Double-checked: right, as the attribute is set last."""

    def get(self) -> Made:
        if self._made is None:
            with self._lock:
                if self._made is None:
                    self._made = Made()
        return self._made


class Registry:
    """Gives out numbers, one to each name."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def number_of(self, name: str) -> int:
        if name not in self._numbers:
            self._numbers[name] = len(self._numbers)
        return self._numbers[name]

    def names(self) -> list[str]:
        return list(self._numbers)


class LockedRegistry(Registry):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def number_of(self, name: str) -> int:
        with self._lock:
            return super().number_of(name)

    def names(self) -> list[str]:
        with self._lock:
            return super().names()


class Pool:
    """Hands out things, each to one at a time."""

    def __init__(self) -> None:
        self._free = [Made(), Made()]
        self._used: list[Made] = []

    def take(self) -> Made | None:
        if not self._free:
            return None
        found = self._free[-1]
        self._used.append(found)
        self._free.pop()
        return found

    def left(self) -> int:
        return len(self._free)


class LockedPool(Pool):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def take(self) -> Made | None:
        with self._lock:
            return super().take()

    def left(self) -> int:
        with self._lock:
            return super().left()


class Buffer:
    """A queue of one item, with a condition; both wait in `if` instead of `while`."""

    def __init__(self) -> None:
        self._items: deque[int] = deque()
        self._changed = threading.Condition()

    def put(self, item: int) -> None:
        with self._changed:
            if self._items:
                self._changed.wait()
            self._items.append(item)
            self._changed.notify()

    def get(self) -> int:
        with self._changed:
            if not self._items:
                self._changed.wait()
            found = self._items.popleft()
            self._changed.notify()
            return found

    def size(self) -> int:
        with self._changed:
            return len(self._items)


class RightBuffer(Buffer):
    def put(self, item: int) -> None:
        with self._changed:
            while self._items:
                self._changed.wait()
            self._items.append(item)
            self._changed.notify_all()

    def get(self) -> int:
        with self._changed:
            while not self._items:
                self._changed.wait()
            found = self._items.popleft()
            self._changed.notify_all()
            return found


class SharedLock:
    """Many readers or one writer, asked without waiting; the writer looks before it takes."""

    def __init__(self) -> None:
        self._readers = 0
        self._writes = False
        self._lock = threading.Lock()

    def begin_reading(self) -> bool:
        with self._lock:
            if self._writes:
                return False
            self._readers += 1
            return True

    def begin_writing(self) -> bool:
        if self._readers or self._writes:
            return False
        with self._lock:
            self._writes = True
        return True


class RightSharedLock(SharedLock):
    def begin_writing(self) -> bool:
        with self._lock:
            if self._readers or self._writes:
                return False
            self._writes = True
            return True


class TwoLocks:
    """Two methods that take two locks, each in its own order."""

    def __init__(self) -> None:
        self._a, self._b = threading.Lock(), threading.Lock()
        self._sum = 0

    def one(self) -> int:
        with self._a, self._b:
            self._sum += 1
            return self._sum

    def other(self) -> int:
        with self._b, self._a:
            self._sum += 1
            return self._sum


class TwoLocksInOrder(TwoLocks):
    def other(self) -> int:
        return self.one()


class Statistics:
    """A mean of what was added."""

    def __init__(self) -> None:
        self._count = self._sum = 0

    def add(self, value: int) -> None:
        self._count += 1
        self._sum += value

    def mean(self) -> float:
        return self._sum / self._count if self._count else 0.0


class LockedStatistics(Statistics):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def add(self, value: int) -> None:
        with self._lock:
            super().add(value)

    def mean(self) -> float:
        with self._lock:
            return super().mean()


class Tokens:
    """A bucket of tokens."""

    def __init__(self) -> None:
        self._left = 1

    def take(self) -> bool:
        if self._left > 0:
            self._left -= 1
            return True
        return False

    def give(self) -> None:
        self._left += 1


class LockedTokens(Tokens):
    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()

    def take(self) -> bool:
        with self._lock:
            return super().take()

    def give(self) -> None:
        with self._lock:
            super().give()


class Tasks:
    """A queue whose `take` asks first whether there is something."""

    def __init__(self) -> None:
        self._line: queue.Queue[int] = queue.Queue()

    def add(self, task: int) -> None:
        self._line.put(task)

    def take(self) -> int | None:
        if self._line.empty():
            return None
        return self._line.get()


class RightTasks(Tasks):
    def take(self) -> int | None:
        with suppress(queue.Empty):
            return self._line.get_nowait()
        return None


class Snapshots:
    """Gives its own list away, which changes later."""

    def __init__(self) -> None:
        self._seen: list[int] = []

    def see(self, one: int) -> None:
        self._seen.append(one)

    def all(self) -> list[int]:
        return self._seen


class Bag:
    """Items that are put under a lock, and cleared without it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._items: tuple[int, ...] = ()

    def put(self, item: int) -> None:
        with self._lock:
            self._items = (*self._items, item)

    def items(self) -> list[int]:
        return list(self._items)

    def clear(self) -> int:
        count = len(self._items)
        self._items = ()
        return count


class LockedBag(Bag):
    def clear(self) -> int:
        with self._lock:
            return super().clear()


class Latch:
    """Opens when it was counted down often enough; who counts looks at the number twice."""

    def __init__(self) -> None:
        self._left = 2
        self._lock = threading.Lock()

    def count_down(self) -> bool:
        if self._left > 0:
            self._left -= 1
        return self._left == 0

    def is_open(self) -> bool:
        return self._left == 0


class LockedLatch(Latch):
    def count_down(self) -> bool:
        with self._lock:
            return super().count_down()


class Halves:
    """Two numbers whose sum is to stay."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.left, self.right = 1, 1

    def move(self) -> None:
        with self._lock:
            self.left += 1
            self.right -= 1


class WeakNames:
    """Objects by name, for as long as somebody uses them; two may be made of one name."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._made: weakref.WeakValueDictionary[str, Made] = weakref.WeakValueDictionary()
        self._kept: list[Made] = []

    def named(self, name: str) -> Made:
        found = self._made.get(name)
        if found is None:
            found = self._made[name] = Made()
            self._kept.append(found)
        return found


class LockedWeakNames(WeakNames):
    def named(self, name: str) -> Made:
        with self._lock:
            return super().named(name)


KNOWN: dict[Any, str] = {
    Counter: "not thread-safe", LockedCounter: "thread-safe", HalfLockedCounter: "not thread-safe",
    Cache: "not thread-safe", LockedCache: "thread-safe", CacheLockedInPut: "not thread-safe",
    Lazy: "not thread-safe", LockedLazy: "thread-safe", TwiceLookedLazy: "thread-safe",
    Registry: "not thread-safe", LockedRegistry: "thread-safe", Pool: "not thread-safe", LockedPool: "thread-safe",
    Buffer: "not thread-safe", RightBuffer: "thread-safe", SharedLock: "not thread-safe", RightSharedLock: "thread-safe",
    TwoLocks: "not thread-safe", TwoLocksInOrder: "thread-safe", Statistics: "not thread-safe", LockedStatistics: "thread-safe",
    Tokens: "not thread-safe", LockedTokens: "thread-safe", Tasks: "not thread-safe", RightTasks: "thread-safe",
    Snapshots: "thread-safe", Bag: "not thread-safe", LockedBag: "thread-safe", Latch: "not thread-safe",
    LockedLatch: "thread-safe", WeakNames: "not thread-safe",
    LockedWeakNames: "incomplete",  # it is: but when an object dies is known only to who uses it last
}  # fmt: skip
