"""Data for a graphical player of schedules: for each step the changes of all values, objects and threads, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenrun.model.machine import FREE, Machine, Transition
from scenrun.model.move_schedule import MoveSchedule
from scenrun.model.moves import choices_of
from scenrun.model.state import BEGINNING, ENDED, LEAVING, UNSET, State
from scenrun.program.findings import NOBODY, Stuck
from scenrun.program.ir import Program
from scenrun.program.primitives.registry import KINDS, waiting
from scenrun.search.counterexample.explain import sentence
from scenrun.search.counterexample.rows import brackets_of
from scenrun.search.counterexample.time_needed import TimeNeeded, time_needed
from scenrun.search.counterexample.trace import Trace, TraceStep, trace_of
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

    `threads`: names in the order of starting. `finding`: its `kind` and a `message`, or None. `time`: what it needs of time,
    in words, or None. `opens_at`: the number of the first step that it needs. `rounds`: what comes several times in a row.
    `cycle_from`: the number of the first step of a livelock's cycle, or None. `initial`: words by key. `steps`: each with a
    description and its `changes`, triples of key, words before and words after. Keys: `value:NAME` of a shared variable,
    `object:NAME` of an object that threads share, `thread:NAME` for what a thread can do or waits for, `holds:NAME` for what it
    holds, and `locals:NAME`.
    `left_out`: how many steps are beyond the limits. Raises Diverged where the schedule does not fit.
    """
    machine = Machine(program, schedule.seed, folded=FREE)
    transitions = choices_of(machine, schedule.moves)
    story = trace_of(machine, transitions)
    shown = min(len(transitions), MOST_STEPS, max(1, MOST_WORDS // len(story.threads)))
    words = _Words(machine, story.threads)
    state = machine.initial()
    before = words.of(state)
    initial, steps = before, []
    for step, transition in zip(story.steps[:shown], transitions, strict=False):
        after = machine.step(state, transition)
        assert after is not None
        words.holders.follow(state, transition, after)
        now = words.of(after)
        steps.append(_step(step, before, now))
        state, before = after, now
    finding = _finding(machine, story, schedule)
    return {
        "threads": list(story.threads),
        "finding": finding,
        "time": _time(machine, transitions, schedule),
        "opens_at": 0 if finding is None else _opens_at(story, shown),
        "rounds": [one.as_dict() for one in brackets_of(story.steps[:shown], schedule.cycle_from)],
        "cycle_from": None if schedule.cycle_from is None else schedule.cycle_from + 1,
        "left_out": len(transitions) - shown,
        "initial": initial,
        "steps": steps,
    }


def _opens_at(story: Trace, shown: int) -> int:
    """The number of the first step that the finding needs: after the first switch that a conflict explains, or any other."""
    switches = [(step.switched.kind, step.number) for step in story.steps[:shown] if step.switched is not None]
    for kind in ("conflict", "blocked", "free"):
        if numbers := [number for of, number in switches if of == kind]:
            return numbers[0]
    return min(1, shown)


def _time(machine: Machine, transitions: Sequence[Transition], schedule: MoveSchedule) -> str | None:
    """What the schedule needs of time, in words; None where that is not known, or nothing takes time."""
    if schedule.cycle_from is not None or schedule.finding is None:
        return None
    needed = TimeNeeded(()) if schedule.time == "virtual" else time_needed(machine, transitions)
    return None if needed is None or needed.is_timeless else str(needed)


def _finding(machine: Machine, story: Trace, schedule: MoveSchedule) -> dict[str, str] | None:
    """The finding that the schedule shows, with a sentence."""
    if schedule.finding is None:
        return None
    kind, about = schedule.finding
    told_of = kind in ("deadlock", "livelock", "exception", "violated") and about != "outcome"
    message = sentence(machine, FindingKey(kind, about), story, schedule.cycle_from) if told_of else about
    return {"kind": kind, "message": message}


def _step(step: TraceStep, before: dict[str, str], now: dict[str, str]) -> dict[str, Any]:
    changes = [[key, before[key], after] for key, after in now.items() if before[key] != after]
    return {
        "number": step.number, "thread": step.thread, "text": step.text, "object": step.object, "line": step.line,
        "step": step.step, "broke": list(step.broke), "fault": step.fault, "changes": changes,
        "own": [{"thread": own.thread, "kind": own.kind, "text": str(own), "line": own.line} for own in step.own],
        "switched": None if step.switched is None else step.switched.text,
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
        out |= {f"holds:{name}": ", ".join(self.holders.held(name)) for name in self.names}
        return out | {f"locals:{name}": self._locals(state, number) for number, name in enumerate(self.names)}

    def _locals(self, state: State, number: int) -> str:
        """The locals of a thread that have values; those of an interrupt while it runs one."""
        thread = state.threads[number] if number < len(state.threads) else None
        if thread is None or not thread.registers:
            return ""
        code = self.machine.codes[thread.code]
        values = {name: thread.registers[code.slots[register]] for register, name in code.code.locals}
        return ", ".join(f"{name} = {_short(value)}" for name, value in values.items() if value is not UNSET)

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
