"""Small programs with sleeps and time-outs, drawn at random, and the least delay of a schedule found by trying every moment."""

from __future__ import annotations

import heapq
import random
from collections.abc import Sequence
from itertools import count
from typing import Any

from scenrun.model.machine import Machine, Transition
from scenrun.model.state import ENDED, State
from scenrun.program.values import key

UNIT_NS = 1_000_000
"""All durations are whole numbers of these, so the least delay is as well."""


def drawn(seed: int) -> dict[str, Any]:
    """Two or three threads that sleep, work, and wait for a lock, an event and a queue, mostly with a time-out."""
    draw = random.Random(seed)

    def pause() -> str:
        return f"{draw.randint(1, 4)}ms"

    def step() -> dict[str, Any]:
        match draw.randrange(8):
            case 0 | 1:
                return {draw.choice(["sleep", "work"]): pause()}
            case 2:
                return {"acquire": {"lock": "guard", "timeout": pause()}}
            case 3:
                return {"wait": {"event": "go", "timeout": pause()}}
            case 4:
                return {"get": {"queue": "box", "into": "item", "timeout": pause()}}
            case 5:
                return {"put": {"queue": "box", "item": 1, "timeout": pause()}}
            case 6:
                return {"set_event": "go"}
            case _:
                return {"set": {"x": "x + 1"}}

    threads = {name: {"do": [step() for _ in range(draw.randint(1, 3))]} for name in "abc"[: draw.randint(2, 3)]}
    return {
        "scenario": "drawn", "sync": {"guard": "lock", "go": "event", "box": {"queue": {"maxsize": 1}}}, "state": {"x": 0},
        "threads": threads,
    }  # fmt: skip


def least_delay(timed: Machine, transitions: Sequence[Transition]) -> int:
    """The least delay in all of a path in free time, in nanoseconds: every moment of every step is tried, in virtual time."""
    from scenrun.model.clock import aged

    numbers = count()
    start = _woken(timed, timed.initial())
    waiting = [(0, next(numbers), 0, start)]
    seen: set[Any] = set()
    while waiting:
        late, _, at, state = heapq.heappop(waiting)
        if at == len(transitions):
            return late
        if (at, key(state)) in seen:
            continue
        seen.add((at, key(state)))
        after = timed.step(state, transitions[at]) if _fits(timed, state, transitions[at]) else None
        if after is not None:
            heapq.heappush(
                waiting, (late, next(numbers), at + 1, _woken(timed, _parked(timed, after, transitions[at])))
            )
        able = 0 if timed.is_over(state) else sum(_can_move(timed, state, n) for n in range(len(state.threads)))
        if late < 60 * UNIT_NS and any(one.remaining for one in state.threads):
            later = _woken(timed, _waiting_alone(timed, state, aged(timed, state, UNIT_NS)))
            heapq.heappush(waiting, (late + able * UNIT_NS, next(numbers), at, later))
    raise AssertionError("no moments fit the path")


def _waiting_alone(timed: Machine, before: State, after: State) -> State:
    """The state after some time, in which a time-out counts only while its thread could not go on: it has not asked yet."""
    threads = list(after.threads)
    for number, thread in enumerate(before.threads):
        if thread.pc != ENDED and not thread.phase and timed.step(before, Transition(number)) is not None:
            threads[number] = threads[number]._replace(remaining=thread.remaining)
    return after._replace(threads=tuple(threads))


def _can_move(timed: Machine, state: State, number: int) -> bool:
    return state.threads[number].pc != ENDED and timed.can_step(state, number)


def _parked(timed: Machine, state: State, transition: Transition) -> State:
    """The state with the whole time-out of a thread that has begun to wait with this step: it may have been late to do so."""
    thread = state.threads[transition.thread]
    operation = timed.operation_of(thread) if thread.pc != ENDED else None
    if thread.phase != 1 or thread.remaining is None or operation is None or operation.timeout_at is None:
        return state
    parked = thread._replace(remaining=thread.arguments[operation.timeout_at])
    return state._replace(
        threads=(*state.threads[: transition.thread], parked, *state.threads[transition.thread + 1 :])
    )


def _fits(timed: Machine, state: State, transition: Transition) -> bool:
    """Whether a transition is enabled: a time-out fires for a blocked thread alone."""
    if transition.thread >= len(state.threads) or state.threads[transition.thread].pc == ENDED:
        return False
    return any(transition == found for found, _ in timed.following_of(state, transition.thread))


def _woken(timed: Machine, state: State) -> State:
    """The state in which everybody whose sleep or work is over has gone on."""
    for number, thread in enumerate(state.threads):
        instruction = timed.instruction_of(thread) if thread.pc >= 0 else None
        if instruction is not None and instruction.op in ("sleep", "work") and thread.remaining == 0:
            after = timed.step(state, Transition(number, expires=True))
            assert after is not None
            return _woken(timed, after)
    return state
