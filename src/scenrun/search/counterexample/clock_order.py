"""Converts a path in virtual time to one in free time, the form in which paths are described, saved and replayed."""

from __future__ import annotations

from collections.abc import Sequence

from scenrun.errors import InternalError
from scenrun.model.interruptions import INTERRUPT
from scenrun.model.machine import FREE, TIME_PASSES, Machine, Transition
from scenrun.model.state import State, Thread
from scenrun.program.ir import Program
from scenrun.program.values import key
from scenrun.search.properties.witness import Witness

_LASTING = ("sleep", "work")
"""Ops that are steps in virtual time only; in free time they are folded into the step before them."""


def without_clock(program: Program, seed: int, transitions: Sequence[Transition]) -> list[Transition]:
    """Convert a path in virtual time: the same steps in free time, without those that only let time pass.

    Every path in virtual time has one in free time, as free time allows all durations. Both machines are run side by side.
    """
    timed, free = Machine(program, seed, timed=True), Machine(program, seed, folded=FREE)
    here, there = timed.initial(), free.initial()
    out: list[Transition] = []
    for transition in transitions:
        after = timed.passed(here) if transition == TIME_PASSES else timed.step(here, transition)
        assert after is not None
        lasts = transition != TIME_PASSES and _lasts(timed, here.threads[transition.thread])
        if lasts and transition.alternative <= INTERRUPT:  # in free time, it comes before the next step
            there = _stepped(free, there, transition, out)
        elif transition != TIME_PASSES and not lasts:
            there = _up_to(free, there, transition.thread, here.threads[transition.thread], out)
            known = transition._replace(alternative=timed.alternative_of(here, transition))
            there = _stepped(free, there, known, out)
        here = after
    return out


def path_without_clock(
    program: Program, seed: int, transitions: Sequence[Transition], way: Witness
) -> tuple[list[Transition], list[Transition]]:
    """Convert a path and the cycle of a livelock, which leads back to the state in which it begins.

    In free time a thread has extra steps, which the clock decides in virtual time. They are taken just before the thread's
    next step that both machines have, so those of one turn of the cycle may move into the next turn: if the first turn does
    not end in the state it began in, the path includes it and the second turn is the cycle. Where threads only sleep, the
    cycle has no common step, and the turns of their loops in free time are taken instead.
    """
    before = without_clock(program, seed, transitions)
    if not way.cycle:
        return before, []
    once = without_clock(program, seed, [*transitions, *way.cycle])
    twice = without_clock(program, seed, [*transitions, *way.cycle, *way.cycle])
    if len(twice) == len(once):
        return before, _turns(Machine(program, seed, folded=FREE), before, _going_round(program, seed, before, way))
    if _ends_alike(program, seed, before, once):
        return before, once[len(before) :]
    return once, twice[len(once) :]


def _going_round(program: Program, seed: int, before: Sequence[Transition], way: Witness) -> Sequence[str]:
    """The names of the threads that go round in the cycle of a witness."""
    if way.about.kind == "livelock":
        return way.about.about.split(", ")
    threads = _after(Machine(program, seed, folded=FREE), before).threads
    return [threads[number].who.name for number in sorted({one.thread for one in way.cycle if one != TIME_PASSES})]


def _ends_alike(program: Program, seed: int, one: Sequence[Transition], other: Sequence[Transition]) -> bool:
    """Whether two paths lead to the same state."""
    machine = Machine(program, seed, folded=FREE, forgets=True)
    return bool(key(_after(machine, one)) == key(_after(machine, other)))


def _after(machine: Machine, transitions: Sequence[Transition]) -> State:
    state = machine.initial()
    for transition in transitions:
        state = machine.step(state, transition) or state
    return state


def _turns(machine: Machine, transitions: Sequence[Transition], names: Sequence[str]) -> list[Transition]:
    """The steps of one turn of each named thread's loop, until the thread is in its first local state again."""
    state = _after(machine, transitions)
    out: list[Transition] = []
    for number, thread in enumerate(state.threads):
        for _ in range(100 if thread.who.name in names else 0):
            following = next(machine.following_of(state, number), None)
            if following is None:
                break
            out.append(following[0])
            state = following[1]
            if key(state.threads[number]) == key(thread):
                break
    return out


def _lasts(machine: Machine, thread: Thread) -> bool:
    instruction = machine.instruction_of(thread) if thread.pc >= 0 else None
    return instruction is not None and instruction.op in _LASTING


def _up_to(free: Machine, state: State, number: int, wanted: Thread, out: list[Transition]) -> State:
    """Take a thread's steps that the clock decides in virtual time, until it is at the same step as in virtual time."""
    for _ in range(100):
        thread = state.threads[number]
        if (thread.pc, thread.phase) == (wanted.pc, wanted.phase):
            return state
        ways = [(transition, after) for transition, after in free.following_of(state, number)]
        if not ways:
            break
        transition, state = next((way for way in ways if way[1].threads[number].pc == wanted.pc), ways[-1])
        out.append(transition)
    raise InternalError(f"{wanted.who.name} does not come to the same place where time is free")


def _stepped(free: Machine, state: State, transition: Transition, out: list[Transition]) -> State:
    after = free.step(state, transition)
    if after is None:
        raise InternalError(f"thread {transition.thread} cannot do where time is free what it does by the clock")
    out.append(transition)
    return after
