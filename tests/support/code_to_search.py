"""Small programs with threads whose verdict is known, searched by `explore_code`: bugs of everyday code, and their repairs."""

from __future__ import annotations

import functools
import itertools
import os
import queue
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from typing import Any

TOTAL = 0
__dunder_like = 0


class Shared:
    """What the threads share: whatever a program needs."""

    def __init__(self, **given: Any) -> None:
        self.__dict__.update(given)
        self.seen: list[Any] = []


class Counter:
    """A counter that loses updates, and one that does not."""

    __slots__ = ("_Counter__hidden", "count", "lock")

    def __init__(self) -> None:
        self.count = 0
        self.__hidden = 0
        self.lock = threading.Lock()

    def add(self) -> None:
        before = self.count
        self.count = before + 1

    def add_in_place(self) -> None:
        self.__hidden += 1

    def add_locked(self) -> None:
        with self.lock:
            self.add()

    @property
    def hidden(self) -> int:
        return self.__hidden


# --- lost updates


def counter() -> Counter:
    return Counter()


def adds(one: Counter) -> None:
    one.add()


def adds_in_place(one: Counter) -> None:
    one.add_in_place()


def adds_locked(one: Counter) -> None:
    one.add_locked()


def is_two(one: Counter) -> bool:
    return one.count == 2


def hidden_is_two(one: Counter) -> bool:
    return one.hidden == 2


def resets() -> None:
    global TOTAL
    TOTAL = 0


def adds_to_global(_: None) -> None:
    global TOTAL
    TOTAL += 1


def global_is_two(_: None) -> bool:
    return TOTAL == 2


def closure() -> Shared:
    number = 0

    def add() -> None:
        nonlocal number
        number += 1

    return Shared(add=add, get=lambda: number)


def calls_add(shared: Shared) -> None:
    shared.add()


def closure_is_two(shared: Shared) -> bool:
    return bool(shared.get() == 2)


def a_dict() -> Shared:
    return Shared(items={})


def makes_item(shared: Shared) -> None:
    if "k" not in shared.items:
        shared.items["k"] = object()
    shared.seen.append(shared.items["k"])


def makes_item_at_once(shared: Shared) -> None:
    shared.seen.append(shared.items.setdefault("k", object()))


def one_item(shared: Shared) -> bool:
    return shared.seen[0] is shared.seen[1]


def a_list() -> Shared:
    return Shared(items=[1, 2])


def pops_if_any(shared: Shared) -> None:
    if len(shared.items) > 1:
        shared.items.pop()
        shared.seen.append(len(shared.items))


def none_is_empty(shared: Shared) -> bool:
    return 0 not in shared.seen


def sums(shared: Shared) -> None:
    for item in shared.items:
        shared.seen.append(item)


def clears(shared: Shared) -> None:
    shared.items.clear()


def all_or_nothing(shared: Shared) -> bool:
    return shared.seen in ([], [1, 2])


def by_name() -> Shared:
    return Shared(value=0)


def adds_by_name(shared: Shared) -> None:
    setattr(shared, "value", getattr(shared, "value") + 1)  # noqa: B009, B010


def value_is_two(shared: Shared) -> bool:
    return bool(shared.value == 2)


def adds_in_dict(shared: Shared) -> None:
    shared.__dict__["value"] = shared.value + 1


def counting() -> Shared:
    return Shared(numbers=itertools.count())


def draws(shared: Shared) -> None:
    shared.seen.append(next(shared.numbers))


def all_drawn(shared: Shared) -> bool:
    return sorted(shared.seen) == [0, 1]


# --- threads that wait


def two_locks() -> Shared:
    return Shared(one=threading.Lock(), other=threading.Lock())


def one_then_other(shared: Shared) -> None:
    with shared.one, shared.other:
        pass


def other_then_one(shared: Shared) -> None:
    with shared.other, shared.one:
        pass


def condition() -> Shared:
    return Shared(changed=threading.Condition(), is_ready=False)


def waits(shared: Shared) -> None:
    with shared.changed:
        shared.changed.wait()


def waits_until_ready(shared: Shared) -> None:
    with shared.changed:
        while not shared.is_ready:
            shared.changed.wait()


def waits_in_time(shared: Shared) -> None:
    with shared.changed:
        shared.seen.append(shared.changed.wait(0.1))


def makes_ready(shared: Shared) -> None:
    with shared.changed:
        shared.is_ready = True
        shared.changed.notify()


def was_woken(shared: Shared) -> bool:
    return shared.seen == [True]


def events() -> Shared:
    return Shared(event=threading.Event(), value=0)


def sets_too_early(shared: Shared) -> None:
    shared.event.set()
    shared.value = 1


def sets_when_done(shared: Shared) -> None:
    shared.value = 1
    shared.event.set()


def reads_when_set(shared: Shared) -> None:
    shared.event.wait()
    shared.seen.append(shared.value)


def saw_one(shared: Shared) -> bool:
    return shared.seen == [1]


def pipeline() -> Shared:
    return Shared(items=queue.Queue(1))


def produces(shared: Shared) -> None:
    shared.items.put(1)
    shared.items.put(None)


def consumes(shared: Shared) -> None:
    while (item := shared.items.get()) is not None:
        shared.seen.append(item)


def got_one(shared: Shared) -> bool:
    return shared.seen == [1]


def simple_queue() -> Shared:
    return Shared(items=queue.SimpleQueue())


def barrier() -> Shared:
    return Shared(all_here=threading.Barrier(2), before=0)


def meets(shared: Shared) -> None:
    shared.seen.append("before")
    shared.all_here.wait()
    shared.seen.append("after")


def in_two_phases(shared: Shared) -> bool:
    return shared.seen == ["before", "before", "after", "after"]


def semaphore() -> Shared:
    return Shared(permits=threading.BoundedSemaphore(1), inside=0)


def goes_in(shared: Shared) -> None:
    with shared.permits:
        shared.inside += 1
        shared.seen.append(shared.inside)
        shared.inside -= 1


def one_at_a_time(shared: Shared) -> bool:
    return shared.seen == [1, 1]


# --- threads that start threads


def nothing_yet() -> Shared:
    return Shared(value=0)


def starts_two(shared: Shared) -> None:
    children = [threading.Thread(target=adds_by_name, args=(shared,)) for _ in range(2)]
    for child in children:
        child.start()
    for child in children:
        child.join()


def starts_a_slow_one(shared: Shared) -> None:
    """Starts a thread that takes a while until it does something that others see."""
    shared.value = 0
    thread = threading.Thread(target=adds_late, args=(shared,))
    thread.start()
    thread.join()


def adds_late(shared: Shared) -> None:
    shared.value = 1 + (sum(range(2_000_000)) > 0)


def starts_two_alike(shared: Shared) -> None:
    """Starts two threads of the same name that add to a value."""
    shared.value = 0
    threads = [threading.Thread(target=adds_by_name, args=(shared,), name="twin") for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def submits_two(shared: Shared) -> None:
    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(adds_by_name, shared) for _ in range(2)]:
            done.result()


def sleeps_first(shared: Shared) -> None:
    began = time.monotonic()
    time.sleep(5)
    shared.seen.append(time.monotonic() - began >= 5)


def does_nothing(_: Any) -> None:
    pass


def slept(shared: Shared) -> bool:
    return shared.seen == [True, True]


class Lazily:
    """A value that is made when it is first asked for."""

    def __init__(self) -> None:
        self.made = 0

    @functools.lru_cache  # noqa: B019
    def cached(self) -> int:
        self.made += 1
        return self.made


def raises(_: Any) -> None:
    raise KeyError("nobody")


def spins(shared: Shared) -> None:
    while True:
        with shared.one:
            if shared.other is None:
                break


def a_pipe() -> Shared:
    return Shared(pipe=os.pipe())


def reads_from_pipe(shared: Shared) -> None:
    os.read(shared.pipe[0], 1)


def two_items() -> Shared:
    return Shared(items={"a": 0, "b": 0})


def writes_both(shared: Shared) -> None:
    shared.items["a"] = 1
    shared.items["b"] = 1


def reads_both(shared: Shared) -> None:
    items = shared.items
    first = items["a"]
    shared.seen = first, items["b"]


def a_before_b(shared: Shared) -> bool:
    return shared.seen != (0, 1)


def gets_in_time(shared: Shared) -> None:
    try:
        shared.seen.append(shared.items.get(timeout=1))
    except queue.Empty:
        shared.seen.append("late")


def late(shared: Shared) -> bool:
    return shared.seen == ["late"]


def exits(shared: Shared) -> None:
    shared.value = 1
    sys.exit(1)


def starts_one_that_raises(shared: Shared) -> None:
    child = threading.Thread(target=raises, args=(shared,))
    child.start()
    child.join()


def counts_threads(shared: Shared) -> None:
    shared.seen.append(threading.active_count())


def fails() -> None:
    raises(None)
