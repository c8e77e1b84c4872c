"""Data for a graphical player of schedules: for each step the changes of all values, objects and threads, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenrun.model.machine import FREE, Machine, Transition
from scenrun.model.move_schedule import MoveSchedule
from scenrun.model.moves import choices_of
from scenrun.model.state import BEGINNING, ENDED, LEAVING, State
from scenrun.program.findings import NOBODY, Stuck
from scenrun.program.ir import Program
from scenrun.program.primitives.barrier import BROKEN, DRAINING, FILLING
from scenrun.program.primitives.registry import waiting
from scenrun.search.counterexample.explain import sentence
from scenrun.search.counterexample.local_steps import Telling
from scenrun.search.counterexample.trace import TraceStep, tell, told, where_at
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.properties.lock_holders import Holders

MOST_STEPS = 5_000
MOST_WORDS = 400_000
"""The most steps times threads: every thread is described after every step."""
LONGEST = 200
"""The most characters of a value."""


def frames_of(program: Program, schedule: MoveSchedule) -> dict[str, Any]:
    """The data of a schedule that fits the program, for JSON.

    `threads`: names in the order of starting. `finding`: its `kind` and a `message`, or None. `cycle_from`: the
    first step of a livelock's cycle, or None. `initial`: words by key. `steps`: each with a description and its `changes`,
    triples of key, words before and words after. Keys: `value:NAME` of a shared variable, `object:NAME` of an object that
    threads share, `thread:NAME` for what a thread can do or waits for, `holds:NAME` for what it holds. `left_out`: the
    number of steps beyond the limits. Raises Diverged where the schedule does not fit.
    """
    machine = Telling.over(Machine(program, schedule.seed, folded=FREE))
    choices = choices_of(machine, schedule.moves)
    states, own = [machine.initial()], []
    for choice in choices:
        after = machine.step(states[-1], choice)
        assert after is not None
        states.append(after)
        own.append(tuple(machine.own))
    names = [thread.who.name for thread in states[-1].threads]
    shown = min(len(choices), MOST_STEPS, max(1, MOST_WORDS // len(names)))
    words = _Words(machine, names)
    before = words.of(states[0])
    initial, steps = before, []
    for number, choice in enumerate(choices[:shown], 1):
        state, after = states[number - 1], states[number]
        words.holders.follow(state, choice, after)
        now = words.of(after)
        steps.append(_step(told(machine, number, state, choice, after, own[number - 1]), before, now))
        before = now
    return {
        "threads": names,
        "finding": _finding(machine, choices, schedule.finding, schedule.cycle_from),
        "cycle_from": schedule.cycle_from,
        "left_out": len(choices) - shown,
        "initial": initial,
        "steps": steps,
    }


def _finding(
    machine: Machine, choices: Sequence[Transition], finding: tuple[str, str] | None, cycle_from: int | None
) -> dict[str, str] | None:
    """The finding that the schedule shows, with a sentence."""
    if finding is None:
        return None
    kind, about = finding
    told_of = kind in ("deadlock", "livelock", "exception", "violated") and about != "outcome"
    message = sentence(machine, FindingKey(kind, about), tell(machine, choices), cycle_from) if told_of else about
    return {"kind": kind, "message": message}


def _step(step: TraceStep, before: dict[str, str], now: dict[str, str]) -> dict[str, Any]:
    changes = [[key, before[key], after] for key, after in now.items() if before[key] != after]
    return {
        "number": step.number, "thread": step.thread, "text": step.text, "object": step.object, "line": step.line,
        "step": step.step, "broke": list(step.broke), "fault": step.fault, "changes": changes,
        "own": [{"thread": own.thread, "kind": own.kind, "text": str(own), "line": own.line} for own in step.own],
    }  # fmt: skip


class _Words:
    """Describes states in words, along a path: `holders` must follow every step."""

    def __init__(self, machine: Machine, names: Sequence[str]) -> None:
        self.machine = machine
        self.names = names
        self.holders = Holders(machine)

    def of(self, state: State) -> dict[str, str]:
        """The descriptions of all values, objects and threads of a state, by key."""
        slots = self.machine.slots
        out: dict[str, str] = {}
        for slot, kind in enumerate(slots.kinds):
            if kind == "variable":
                out[f"value:{slots.label(slot)}"] = _short(state.cells[slot])
            elif kind in _OBJECTS:
                out[f"object:{slots.label(slot)}"] = _OBJECTS[kind](self, state, slot)
        out |= {f"thread:{name}": self._thread(state, number) for number, name in enumerate(self.names)}
        return out | {f"holds:{name}": ", ".join(self.holders.held(name)) for name in self.names}

    def _thread(self, state: State, number: int) -> str:
        if number >= len(state.threads):
            return "not started"
        thread = state.threads[number]
        if thread.pc == ENDED:
            return "ended" if thread.fault is None else f"ended with {thread.fault}"
        if thread.pc == LEAVING:
            return f"about to end with {thread.fault}"
        stuck = where_at(self.machine, state, number, self.holders)
        where = f" (line {stuck.line})" if stuck.line else ""
        if stuck.state == "running":
            return ("can begin" if thread.pc == BEGINNING else "can move") + where
        return _reason(stuck) + where

    def _names_of(self, state: State, numbers: Sequence[int]) -> str:
        return ", ".join(state.threads[number].who.name for number in numbers)

    def lock(self, state: State, slot: int) -> str:
        """The thread that holds a lock."""
        if not state.cells[slot]:
            return "free"
        return f"held by {', '.join(self.holders.held_by(slot)) or NOBODY}"

    def rlock(self, state: State, slot: int) -> str:
        """The thread that holds an rlock, and how often."""
        owner, depth = state.cells[slot]
        if owner is None:
            return "free"
        return f"held by {self._names_of(state, [owner])}" + (f", {depth} times" if depth > 1 else "")

    def semaphore(self, state: State, slot: int) -> str:
        """The permits of a semaphore that are left."""
        left = state.cells[slot][0]
        return f"{left} permit{'s' * (left != 1)} left"

    def condition(self, state: State, slot: int) -> str:
        """The threads that wait for a condition, in order."""
        line = state.cells[slot]
        return f"{self._names_of(state, line)} in line" if line else "nobody in line"

    def event(self, state: State, slot: int) -> str:
        """The flag of an event."""
        is_set, _ = state.cells[slot]
        return "set" if is_set else "clear"

    def barrier(self, state: State, slot: int) -> str:
        """The phase of a barrier, and how many threads have arrived or are still to leave."""
        phase, count, parties = state.cells[slot]
        if phase == BROKEN:
            return "broken"
        if phase == FILLING:
            return f"{count} of {parties} have come"
        return f"open, {count} still to leave" if phase == DRAINING else f"was reset, {count} still to leave"

    def queue(self, state: State, slot: int) -> str:
        """The number of items of a queue, its bound, and the items."""
        items, _, maxsize, _ = state.cells[slot]
        bound = f" of {maxsize}" if maxsize else ""
        return f"{len(items)}{bound}: {_short(list(items))}" if items else f"empty{bound and f' (0{bound})'}"

    def pool(self, state: State, slot: int) -> str:
        """The number of busy workers of a pool, and the tasks that wait."""
        line, running, is_shut, workers = state.cells[slot]
        text = f"{len(running)} of {workers} workers busy"
        if line:
            text += f", {self._names_of(state, line)} waiting"
        return text + (", shut down" if is_shut else "")

    def section(self, state: State, slot: int) -> str:
        """The number of threads in a critical section."""
        return f"{state.cells[slot]} inside"


_OBJECTS = {
    "lock": _Words.lock, "rlock": _Words.rlock, "semaphore": _Words.semaphore, "bounded_semaphore": _Words.semaphore,
    "condition": _Words.condition, "event": _Words.event, "barrier": _Words.barrier, "queue": _Words.queue,
    "simple_queue": _Words.queue, "pool": _Words.pool, "section": _Words.section,
}  # fmt: skip
"""The description of each kind of object; threads and timers are described as threads."""


def _reason(stuck: Stuck) -> str:
    """What a blocked thread waits for, and the threads that hold it."""
    holder = f", held by {', '.join(stuck.held_by)}" if stuck.held_by and _is_held(stuck) else ""
    return waiting(str(stuck.operation), str(stuck.object)) + holder


def _is_held(stuck: Stuck) -> bool:
    """Whether what a thread waits for is a lock or a permit, which threads hold."""
    return (stuck.operation or "").endswith(".acquire")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
