"""Small programs of which a search once said what is not so, or missed what is."""

from __future__ import annotations

import os
import pickle
import threading
import time
import weakref
from concurrent.futures import ThreadPoolExecutor
from os import pipe as _pipe
from os import read as _read
from typing import Any

from code_to_search import Shared, does_nothing


def a_pool() -> Shared:
    return Shared(pool=ThreadPoolExecutor(1))


def asks_pool(shared: Shared) -> None:
    shared.seen.append(shared.pool.submit(abs, -2).result())


def answered(shared: Shared) -> bool:
    return shared.seen == [2]


def with_clock() -> Shared:
    return Shared(began=time.monotonic())


def looks_at_clock(shared: Shared) -> None:
    shared.seen.append(time.monotonic() >= shared.began)


def clock_goes_on(shared: Shared) -> bool:
    return all(shared.seen) and time.monotonic() >= shared.began


def sleeps_five(shared: Shared) -> None:
    time.sleep(5)


def is_early(shared: Shared) -> None:
    shared.seen.append(time.monotonic() - shared.began < 5)


def locals_of_threads() -> Shared:
    return Shared(own=threading.local())


def starts_two_after_another(shared: Shared) -> None:
    for _ in range(2):
        child = threading.Thread(target=marks_own, args=(shared,))
        child.start()
        child.join()


def marks_own(shared: Shared) -> None:
    shared.seen.append(hasattr(shared.own, "mark"))
    shared.own.mark = 1


def none_marked(shared: Shared) -> bool:
    return shared.seen == [False, False]


class Plain:
    """An object that a weak reference can lose, and that can be pickled."""

    def __init__(self) -> None:
        self.value = 1


def loses_and_pickles(shared: Shared) -> None:
    one = Plain()
    one.value = 2
    found = weakref.ref(one)
    shared.seen.append(pickle.loads(pickle.dumps(one)).value)
    del one
    shared.seen.append(found() is None)


def lost_and_pickled(shared: Shared) -> bool:
    return shared.seen == [2, True]


def old_names(shared: Shared) -> None:
    child = threading.Thread(target=does_nothing, args=(shared,))
    child.setDaemon(True)
    child.setName("child")
    shared.seen += [child.getName(), child.isDaemon()]


def is_named(shared: Shared) -> bool:
    return shared.seen == ["child", True]


class Frozen:
    """Sets its attribute as frozen dataclasses do."""

    def __init__(self) -> None:
        object.__setattr__(self, "value", 0)

    def add(self) -> None:
        object.__setattr__(self, "value", self.value + 1)  # type: ignore[attr-defined]


def frozen() -> Frozen:
    return Frozen()


def blocks_at_once(_: Any) -> None:
    _read(_pipe()[0], 1)


def recurses(_: Any) -> None:
    recurses(_)


def takes_out(shared: Shared) -> None:
    shared.seen.append(len(shared.items))


def drained(shared: Shared) -> None:
    left = [shared.items.pop() for _ in range(len(shared.items))]
    assert left == [], left


def for_draws() -> Shared:
    return Shared(value=0, other=0)


def draws_and_adds(shared: Shared) -> None:
    for _ in range(4):
        if os.urandom(1)[0] < 128:
            shared.value += 1
        else:
            shared.other += 1
