"""The two models of benchmarks/exploring.py as pure functions over tuples, for the model checkers that are written in Python.

A model is its first state and, for each thread, `can(state)` and `move(state)`: whether it can take its next step, and
the state after it. The steps are those of explore_philosophers.yaml and explore_buffer.yaml: main starts the threads one
after the other, and joins them; what touches no other thread is done with the step before it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

State = tuple[int, ...]


class Thread(NamedTuple):
    """What one thread can do."""

    name: str
    can: Callable[[State], bool]
    move: Callable[[State], State]


class Model(NamedTuple):
    """A first state and the threads."""

    first: State
    threads: tuple[Thread, ...]
    is_over: Callable[[State], bool]
    """Whether a state in which nobody can move is no deadlock."""


# --- philosophers: a state is how many have been started, where each of them is, and whether each fork is taken

TAKE_LEFT, TAKE_RIGHT, PUT_LEFT, PUT_RIGHT = range(4)


def philosophers(n: int) -> Model:
    """So many philosophers who eat for ever, each with the left fork first."""
    first = (0,) * (1 + 2 * n)
    main = Thread("main", lambda state: state[0] < n, lambda state: (state[0] + 1, *state[1:]))
    return Model(first, (main, *(_philosopher(i, n) for i in range(n))), lambda state: False)


def _philosopher(index: int, n: int) -> Thread:
    at, left, right = 1 + index, 1 + n + index, 1 + n + (index + 1) % n

    def can(state: State) -> bool:
        here = state[at]
        if here == TAKE_LEFT:
            return state[0] > index and not state[left]
        return here != TAKE_RIGHT or not state[right]

    def move(state: State) -> State:
        here, after = state[at], list(state)
        after[at] = (here + 1) % 4
        after[left if here in (TAKE_LEFT, PUT_LEFT) else right] = here < PUT_LEFT
        return tuple(after)

    return Thread(f"philosopher[{index}]", can, move)


# --- buffer: a state is main's place, for each thread where it is and how many items it has done, whether the lock is
#     taken, whether the buffer is full, and for each condition the first and the second who wait (0: nobody)

ACQUIRE, TEST, PARK, WAIT, WOKEN, TAKE_AGAIN, CHANGE, NOTIFY, RELEASE, END, ENDED = range(11)
ITEMS = 4
LOCKED, FULL, NOT_FULL, NOT_EMPTY = 9, 10, 11, 13


def buffer() -> Model:
    """A buffer of one from a lock and two conditions, two producers, two consumers, four items each."""
    return Model((0,) * 15, (Thread("main", _main_can, _main), *map(_worker, range(4))), lambda state: state[0] == 9)


def _main_can(state: State) -> bool:
    at = state[0]
    return at < 4 or at == 8 or (at < 8 and state[2 * (at - 4) + 1] == ENDED)


def _main(state: State) -> State:
    return (state[0] + 1, *state[1:])


def _worker(index: int) -> Thread:
    at, done = 2 * index + 1, 2 * index + 2
    produces = index < 2
    mine, others = (NOT_FULL, NOT_EMPTY) if produces else (NOT_EMPTY, NOT_FULL)

    def can(state: State) -> bool:
        here = state[at]
        if here == ACQUIRE:
            return not state[LOCKED] and state[0] > index
        return here not in (WAIT, ENDED) and (here != TAKE_AGAIN or not state[LOCKED])

    def move(state: State) -> State:
        here, after = state[at], list(state)
        after[at] = here + 1
        if here in (ACQUIRE, TAKE_AGAIN):
            after[LOCKED], after[at] = 1, TEST
        elif here == TEST:
            after[at] = PARK if state[FULL] == produces else CHANGE
        elif here == PARK:
            after[LOCKED] = 0
            after[mine + 1 if state[mine] else mine] = index + 1
        elif here == CHANGE:
            after[FULL] = int(produces)
        elif here == NOTIFY and state[others]:
            after[2 * state[others] - 1] = WOKEN
            after[others : others + 2] = state[others + 1], 0
        elif here == RELEASE:
            after[LOCKED], after[done] = 0, state[done] + 1
            after[at] = END if after[done] == ITEMS else ACQUIRE
        return tuple(after)

    return Thread(f"{'producer' if produces else 'consumer'}[{index % 2}]", can, move)
