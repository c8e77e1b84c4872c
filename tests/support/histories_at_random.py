"""Random histories of small objects, and whether they are linearizable by the definition: every order is tried."""

from __future__ import annotations

import random
from collections.abc import Hashable, Iterable
from itertools import combinations, permutations
from typing import Any

from scenrun.search.properties.linearizability import BLOCKS, Call, History

Operation = tuple[str, Any]


class Register:
    """A value that is read, written, and exchanged if it is another one."""

    initial: Any = 0
    operations = (("write", 1), ("write", 2), ("read", None), ("swap", (0, 2)))

    def after(self, state: Any, call: Any) -> Iterable[tuple[Hashable, Any]]:
        """What a call gives."""
        name, value = call.operation
        if name == "write":
            return [(None, value)]
        if name == "read":
            return [(state, state)]
        return [(True, value[1])] if state == value[0] else [(False, state)]

    def finals(self, state: Any) -> Iterable[Hashable]:
        """The value."""
        return [state]

    def tells_apart(self, history: History) -> bool:
        """Values are values."""
        return False

    def as_seen(self, results: Any) -> Any:
        """As they are."""
        return results


class Queue(Register):
    """A queue of at most two items; taking from an empty one waits, or fails; one put may be lost or not, as it likes."""

    initial = ()
    operations = (("put", 1), ("put", 2), ("get", None), ("get_nowait", None), ("put_or_drop", 3))

    def after(self, state: Any, call: Any) -> Iterable[tuple[Hashable, Any]]:
        """What a call gives."""
        name, value = call.operation
        if name == "put":
            return [(None, (*state, value))] if len(state) < 2 else [(BLOCKS, state)]
        if name == "put_or_drop":
            return [(None, state), *([(None, (*state, value))] if len(state) < 2 else [])]
        if state:
            return [(state[0], state[1:])]
        return [(BLOCKS, state)] if name == "get" else [("Empty", state)]


SPECIFICATIONS: tuple[Any, ...] = (Register(), Queue())


def history_of(chance: random.Random, specification: Any) -> History:
    """A history: calls of a few threads, whose results are those of some order, with one or another changed."""
    events, threads = 0, chance.randint(2, 3)
    state, calls = specification.initial, []
    open_calls: dict[int, list[Any]] = {}
    left = {at: chance.randint(1, 2) for at in range(threads)}
    while left or open_calls:
        events += 1
        at = chance.choice(sorted({*left, *open_calls}))
        if at not in open_calls:
            operation = chance.choice(specification.operations)
            open_calls[at] = [events, operation, None, False]
            left[at] -= 1
            if not left[at]:
                del left[at]
            continue
        call = open_calls[at]
        if not call[3]:  # it takes effect
            result, state = chance.choice(list(specification.after(state, Call("", call[1], 0))))
            call[2], call[3] = result, result is not BLOCKS
            if result is BLOCKS and chance.random() < 0.4:
                calls.append(Call(str(at), call[1], call[0]))
                del open_calls[at]
                left.pop(at, None)
            continue
        result = chance.choice((1, 2, None, True, "Empty")) if chance.random() < 0.15 else call[2]
        ended = events if chance.random() < 0.93 else None
        calls.append(Call(str(at), call[1], call[0], *((ended, result) if ended is not None else ())))
        del open_calls[at]
        if ended is None:
            left.pop(at, None)
    is_stuck = any(not one.has_returned for one in calls) and chance.random() < 0.5
    final = chance.choice((None, state, state, specification.initial))
    return History(tuple(calls), is_stuck, None if is_stuck else final)


def is_linearizable(history: History, specification: Any) -> bool:
    """By the definition."""
    calls = history.calls
    pending = [one for one in calls if not one.has_returned]
    returned = [one for one in calls if one.has_returned]
    sizes = [0] if history.is_stuck else range(len(pending) + 1)
    for size in sizes:
        for effective in combinations(pending, size):
            for order in permutations([*returned, *effective]):
                if _agrees_with_time(order) and _is_possible(order, history, specification):
                    return True
    return False


def _agrees_with_time(order: tuple[Call, ...]) -> bool:
    return not any(later.ended < earlier.began for at, earlier in enumerate(order) for later in order[at + 1 :])


def _is_possible(order: tuple[Call, ...], history: History, specification: Any) -> bool:
    states = {specification.initial}
    for one in order:
        states = {
            after
            for state in states
            for result, after in specification.after(state, one)
            if result is not BLOCKS and (not one.has_returned or result == one.result)
        }
    if history.is_stuck:
        waiting = [one for one in history.calls if not one.has_returned]
        return any(
            all(any(r is BLOCKS for r, _ in specification.after(state, one)) for one in waiting) for state in states
        )
    return bool(states) and (history.final is None or history.final in states)
