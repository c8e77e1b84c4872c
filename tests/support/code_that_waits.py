"""Programs whose threads wait by looking again and again, each with what a search of all schedules says."""

from __future__ import annotations

import threading
import time
from typing import Any


class Shared:
    """What the threads share."""

    def __init__(self) -> None:
        self.go = self.stop = False
        self.wants = [False, False]
        self.turn = 0
        self.count = 0
        self.items: list[int] = []
        self.lock = threading.Lock()
        self.event = threading.Event()


def shared() -> Shared:
    return Shared()


def goes(s: Shared) -> None:
    s.go = True


def waits(s: Shared) -> None:
    while not s.go:
        pass
    s.count += 1


def waits_for_ever(s: Shared) -> None:
    while not s.stop:
        pass


def waits_in_a_method(s: Shared) -> None:
    while True:
        if has_gone(s):
            break


def has_gone(s: Shared) -> bool:
    return s.go


def waits_for_event(s: Shared) -> None:
    while not s.event.is_set():
        seen = len(s.items)
        assert seen == 0


def sets(s: Shared) -> None:
    s.event.set()


def waits_for_items(s: Shared) -> None:
    while len(s.items) < 2:
        for one in s.items:
            assert one == 1
    s.count = 2


def puts_two(s: Shared) -> None:
    s.items.append(1)
    s.items.append(1)


def gives_up(s: Shared) -> None:
    tries = 0
    while not s.stop and tries < 3:
        tries += 1
    s.count = tries


def toggles(s: Shared) -> None:
    """Two variables change places: no turn is like the last one, and every other is."""
    left, right = 0, 3
    while s.go or left < 3:
        left, right = right, left
        if s.stop:
            break


def looks_at_a_variable(s: Shared) -> None:
    done = False

    def finish() -> None:
        nonlocal done
        done = True

    one = threading.Thread(target=finish)
    one.start()
    while not done:
        pass
    one.join()


def looks_whether_alive(s: Shared) -> None:
    one = threading.Thread(target=goes, args=(s,))
    one.start()
    while one.is_alive():
        pass
    assert s.go


def until_a_time(s: Shared) -> None:
    end = time.monotonic() + 1
    while not s.stop and time.monotonic() < end:
        pass
    s.count += 1


def draws(s: Shared) -> None:
    """Each turn takes one from an iterator."""
    numbers = iter([1, 1, 1, 1, 2])
    while next(numbers) == 1:
        pass
    s.count += 1


def goes_on_with_a_generator(s: Shared) -> None:
    def ticks() -> Any:
        while True:
            yield s.go

    for turn, _ in enumerate(ticks()):
        if turn == 3:
            break
    s.count += 1


def takes_from_a_generator(s: Shared) -> None:
    """Code in C goes on with it, and nothing else is done between its turns."""

    def ticks() -> Any:
        while True:
            yield 1

    assert len(list(zip(range(3), ticks(), strict=False))) == 3
    s.count += 1


def begins_again_and_again(s: Shared) -> None:
    """The inner loop ends before its first turn, each time with the same variables."""
    for _ in (1, 1, 1):
        while s.stop:
            pass
    s.count += 1


def waits_in_try(s: Shared) -> None:
    try:
        while not s.go:
            pass
    finally:
        s.count += 1


def waits_in_with(s: Shared) -> None:
    with s.lock:
        while not s.go:
            pass
    s.count += 1


def sleeps_in_each_turn(s: Shared) -> None:
    while not s.go:
        time.sleep(0.1)
    s.count += 1


def within_turns_of_another(s: Shared) -> None:
    """The inner loop begins anew in each turn of the outer one."""
    for _ in (1, 1, 1):
        while s.stop:
            pass
        s.count += 1


def _peterson(s: Shared, me: int, *, is_polite: bool) -> None:
    other = 1 - me
    s.wants[me] = True
    if is_polite:
        s.turn = other
    while s.wants[other] and s.turn == other:
        pass
    before = s.count
    s.count = before + 1
    s.wants[me] = False


def peterson_0(s: Shared) -> None:
    _peterson(s, 0, is_polite=True)


def peterson_1(s: Shared) -> None:
    _peterson(s, 1, is_polite=True)


def rude_0(s: Shared) -> None:
    _peterson(s, 0, is_polite=False)


def rude_1(s: Shared) -> None:
    _peterson(s, 1, is_polite=False)


def counts_two(s: Shared) -> bool:
    return s.count == 2


def counts_one(s: Shared) -> bool:
    return s.count == 1


def counts_three(s: Shared) -> bool:
    return s.count == 3


CASES: dict[str, tuple[list[Any], Any, str]] = {
    "a flag": ([waits, goes], counts_one, "holds"),
    "a flag, three threads": ([waits, waits, goes], None, "holds"),
    "a flag, an update lost": ([waits, waits, goes], counts_two, "violated"),
    "nobody sets it": ([waits_for_ever, goes], None, "livelock"),
    "nobody is there": ([waits_for_ever], None, "livelock"),
    "a function that looks": ([waits_in_a_method, goes], None, "holds"),
    "an event": ([waits_for_event, sets], None, "holds"),
    "a list": ([waits_for_items, puts_two], counts_two, "holds"),
    "a number of tries": ([gives_up, goes], counts_three, "holds"),
    "variables that change places": ([toggles], None, "holds"),
    "a variable of a closure": ([looks_at_a_variable], None, "holds"),
    "a thread": ([looks_whether_alive], None, "holds"),
    "the clock": ([until_a_time, goes], counts_one, "holds"),
    "an iterator": ([draws, goes], counts_one, "holds"),
    "a generator": ([goes_on_with_a_generator, goes], counts_one, "holds"),
    "a generator in C": ([takes_from_a_generator, goes], counts_one, "holds"),
    "a loop that begins again": ([begins_again_and_again, goes], counts_one, "holds"),
    "in a try": ([waits_in_try, goes], counts_one, "holds"),
    "in a with": ([waits_in_with, goes], counts_one, "holds"),
    "with a sleep": ([sleeps_in_each_turn, goes], counts_one, "holds"),
    "a loop in a loop": ([within_turns_of_another, goes], counts_three, "holds"),
    "Peterson 1981": ([peterson_0, peterson_1], counts_two, "holds"),
    "without the turn": ([rude_0, rude_1], counts_two, "violated"),
}
