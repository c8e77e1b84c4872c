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
from scenrun.program.primitives.registry import KINDS, waiting
from scenrun.search.counterexample.explain import sentence
from scenrun.search.counterexample.local_steps import LocalStepRecorder
from scenrun.search.counterexample.trace import TraceStep, step_between, trace_of
from scenrun.search.counterexample.waits import where_at
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
    machine = LocalStepRecorder.over(Machine(program, schedule.seed, folded=FREE))
    transitions = choices_of(machine, schedule.moves)
    states, own = [machine.initial()], []
    for transition in transitions:
        after = machine.step(states[-1], transition)
        assert after is not None
        states.append(after)
        own.append(tuple(machine.own))
    names = [thread.who.name for thread in states[-1].threads]
    shown = min(len(transitions), MOST_STEPS, max(1, MOST_WORDS // len(names)))
    words = _Words(machine, names)
    before = words.of(states[0])
    initial, steps = before, []
    for number, transition in enumerate(transitions[:shown], 1):
        state, after = states[number - 1], states[number]
        words.holders.follow(state, transition, after)
        now = words.of(after)
        steps.append(_step(step_between(machine, number, state, transition, after, own[number - 1]), before, now))
        before = now
    return {
        "threads": names,
        "finding": _finding(machine, transitions, schedule.finding, schedule.cycle_from),
        "cycle_from": schedule.cycle_from,
        "left_out": len(transitions) - shown,
        "initial": initial,
        "steps": steps,
    }


def _finding(
    machine: Machine, transitions: Sequence[Transition], finding: tuple[str, str] | None, cycle_from: int | None
) -> dict[str, str] | None:
    """The finding that the schedule shows, with a sentence."""
    if finding is None:
        return None
    kind, about = finding
    told_of = kind in ("deadlock", "livelock", "exception", "violated") and about != "outcome"
    message = (
        sentence(machine, FindingKey(kind, about), trace_of(machine, transitions), cycle_from) if told_of else about
    )
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
            elif (in_words := KINDS[kind].in_words) is not None:
                out[f"object:{slots.label(slot)}"] = in_words(state.cells[slot], _Scene(self, state, slot))
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


class _Scene:
    """Who is around an object in a state."""

    def __init__(self, words: _Words, state: State, slot: int) -> None:
        self.words = words
        self.state = state
        self.slot = slot

    def names(self, numbers: Sequence[int]) -> str:
        """The names of threads, by their numbers."""
        return ", ".join(self.state.threads[number].who.name for number in numbers)

    def holders(self) -> str:
        """The names of the threads that hold the object."""
        return ", ".join(self.words.holders.held_by(self.slot)) or NOBODY

    def short(self, value: Any) -> str:
        """A value as text, cut off where it is long."""
        return _short(value)


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
