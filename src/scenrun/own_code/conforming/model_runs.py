"""The runs of a model that agree with what was seen of code: all states that it may be in by then.

A thread's step on an object that is compared is made between the beginning of the thread's call and its return; everything else
that the model does may come at any time. Where no state is left, the code does what its model cannot do.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from scenrun.errors import Fault
from scenrun.model.machine import Machine, Transition
from scenrun.model.state import ENDED, State, Thread
from scenrun.own_code.conforming.events import (
    Began,
    Call,
    Came,
    End,
    Event,
    Returned,
    plain,
    same,
    short_name,
)
from scenrun.program.primitives.kinds import Done, Failed, Then
from scenrun.program.values import key

OF_POOLS = ("task", "future")
"""Kinds of the model's threads that are tasks of pools: a worker of the code may be one after another."""
MOST_STATES = 50_000
"""States of the model that are looked at after one event."""


class TooMany(Exception):
    """The model can be in too many states."""


class Compared(NamedTuple):
    """What is compared."""

    objects: frozenset[str]
    """The shared objects, by name, whose operations are seen in the code."""
    threads: frozenset[str]
    """Threads of the model that have a thread of the code with the same name; others are any of the code's other threads."""
    arguments: frozenset[str]
    """The names of the parameters of operations that are compared."""
    results: bool
    """Whether what calls return is compared, beside how they end."""


class Run:
    """One run of the model so far."""

    __slots__ = ("at", "before", "bound", "done", "state", "transition")

    def __init__(
        self, state: State, bound: tuple[tuple[str, str], ...] = (), done: tuple[tuple[str, Came], ...] = (),
        before: Run | None = None, transition: Transition | None = None, at: int = 0,
    ) -> None:  # fmt: skip
        self.state = state
        self.bound = bound
        """Threads of the code that no name binds, each with the model's thread that it was found to be."""
        self.done = done
        """Threads whose call the model has made, each with what it came to."""
        self.before = before
        self.transition = transition
        """The last step."""
        self.at = at
        """The number of events before it."""

    @property
    def key(self) -> Any:
        """The same for runs that can go on alike."""
        return key(self.state), self.bound, self.done

    def steps(self) -> list[tuple[State, Transition, State, int]]:
        """Its steps, each with the states around it, and the number of events that came before it."""
        out: list[tuple[State, Transition, State, int]] = []
        one: Run | None = self
        while one is not None and one.before is not None:
            if one.transition is not None:
                out.append((one.before.state, one.transition, one.state, one.at))
            one = one.before
        return out[::-1]


class Seen:
    """All runs that agree with the events so far; none where the model cannot do that."""

    def __init__(self, number: int, calls: Mapping[str, Call], runs: Sequence[Run]) -> None:
        self.number = number
        """How many events there were."""
        self.calls = calls
        """The calls that have begun and have not returned, by thread."""
        self.runs = runs
        self.after: dict[Event, Seen] = {}
        self.ends: dict[End, bool] = {}


class ModelRuns:
    """The runs of one model beside executions of its code."""

    def __init__(self, machine: Machine, compared: Compared) -> None:
        self.machine = machine
        self.compared = compared
        cells = [(slot, cell) for slot, (cell, _) in enumerate(machine.slots.cells)]
        self._names = {slot: machine.slots.label(slot) for slot, cell in cells if cell.name in compared.objects}
        self._variables = {cell.name: slot for slot, cell in cells if cell.kind == "variable"}
        self.nothing_seen = Seen(0, {}, self._closed([Run(machine.initial())], {}, 0))

    def explain(self, events: Sequence[Event]) -> tuple[Seen, int]:
        """What agrees with as many events as can be explained, and how many these are. Raises TooMany."""
        seen = self.nothing_seen
        for number, event in enumerate(events):
            after = self._after(seen, event)
            if not after.runs:
                return seen, number
            seen = after
        return seen, len(events)

    def can_end(self, seen: Seen, end: End) -> bool:
        """Whether the model can end as the code did."""
        if end not in seen.ends:
            seen.ends[end] = any(self._ends(run, end) for run in seen.runs)
        return seen.ends[end]

    # --- one event

    def _after(self, seen: Seen, event: Event) -> Seen:
        if event not in seen.after:
            calls = dict(seen.calls)
            if isinstance(event, Began):
                calls[event.call.thread] = event.call
            elif isinstance(event, Returned):
                del calls[event.thread]
            number = seen.number + 1
            left = [one for run in seen.runs if (one := self._agreed(run, event, number)) is not None]
            seen.after[event] = Seen(number, calls, self._closed(left, calls, number))
        return seen.after[event]

    def _agreed(self, run: Run, event: Event, number: int) -> Run | None:
        """A run after an event; None where it does not agree with that."""
        done = run.done
        if isinstance(event, Returned):
            came = dict(done).get(event.thread)
            if came is None or not came.allows(event.came):
                return None
            done = tuple([pair for pair in done if pair[0] != event.thread])
        return Run(run.state, run.bound, done, run, None, number)

    def value(self, run: Run, variable: str) -> Any:
        """The value of a variable, as it is compared."""
        return plain(run.state.cells[self._variables[variable]])

    def _closed(self, runs: Sequence[Run], calls: Mapping[str, Call], number: int) -> list[Run]:
        """These runs, and all that the model may go on with before anything else is seen."""
        found = {run.key: run for run in runs}
        ahead = list(found.values())
        for run in ahead:
            for after in self._following(run, calls, number):
                known = after.key
                if known not in found:
                    found[known] = after
                    ahead.append(after)
            if len(ahead) > MOST_STATES:
                raise TooMany(f"the model may be in more than {MOST_STATES:,} states between two events")
        return ahead

    def _following(self, run: Run, calls: Mapping[str, Call], number: int) -> Iterator[Run]:
        state = run.state
        if self.machine.is_over(state):
            return
        for at, thread in enumerate(state.threads):
            what = self.compared_step(thread)
            if what is None:
                for transition, after in self.machine.following_of(state, at):
                    yield Run(after, run.bound, run.done, run, transition, number)
            else:
                for caller, bound in self._callers(run, thread, calls):
                    if self._is_of(thread, what, calls[caller]):
                        yield from self._made(run, at, caller, bound, number)

    def compared_step(self, thread: Thread) -> tuple[str, str] | None:
        """The object and the operation of a thread's next step, if it is compared."""
        operation = self.machine.operation_of(thread) if thread.pc >= 0 and thread.slots else None
        name = None if operation is None else self._names.get(thread.slots[0])
        return None if operation is None or name is None else (name, operation.name)

    def _callers(
        self, run: Run, thread: Thread, calls: Mapping[str, Call]
    ) -> Iterator[tuple[str, tuple[tuple[str, str], ...]]]:
        """The threads of the code whose call a step of the model may be, each with who is who then."""
        name, done = thread.who.name, dict(run.done)
        if name in self.compared.threads:
            if name in calls and name not in done:
                yield name, run.bound
            return
        known = next((code for code, model in run.bound if model == name), None)
        if known is not None:
            if known in calls and known not in done:
                yield known, run.bound
            return
        for caller in calls:
            if caller not in self.compared.threads and caller not in done and self._is_free(run, caller, thread):
                others = [pair for pair in run.bound if pair[0] != caller]
                yield caller, tuple(sorted((*others, (caller, name))))

    @staticmethod
    def _is_free(run: Run, caller: str, thread: Thread) -> bool:
        """Whether a thread of the code may be one of the model: it is none so far, or a worker whose task has ended."""
        known = dict(run.bound).get(caller)
        if known is None:
            return True
        before = next(one for one in run.state.threads if one.who.name == known)
        return before.pc == ENDED and before.who.kind in OF_POOLS and thread.who.kind in OF_POOLS

    def _is_of(self, thread: Thread, what: tuple[str, str], call: Call) -> bool:
        """Whether a thread's next step is what a call does."""
        if what != (call.object, call.operation):
            return False
        if thread.phase:
            return True
        operation = self.machine.operation_of(thread)
        assert operation is not None
        given = dict(zip(operation.parameters, thread.arguments, strict=True))
        wanted = [(name, value) for name, value in call.arguments if name in self.compared.arguments]
        return all(same(plain(given[name]), value) for name, value in wanted if name in given)

    def _made(self, run: Run, at: int, caller: str, bound: tuple[tuple[str, str], ...], number: int) -> Iterator[Run]:
        for transition, after in self.machine.following_of(run.state, at):
            came = self._came(run.state, transition)
            done = run.done if came is None else tuple(sorted((*run.done, (caller, came)), key=lambda pair: pair[0]))
            yield Run(after, bound, done, run, transition, number)

    def _came(self, state: State, transition: Transition) -> Came | None:
        """What a step's operation comes to; None where it has more to do."""
        outcome = self.machine.outcome_of(state, transition)
        if isinstance(outcome, Then):
            return None
        if isinstance(outcome, Failed):
            return Came(error=short_name(outcome.type))
        assert isinstance(outcome, Done)
        return Came(plain(outcome.result)) if self.compared.results else Came()

    # --- the end

    def _ends(self, run: Run, end: End) -> bool:
        state = run.state
        if end.waiting and (self.machine.is_over(state) or next(self.machine.following(state), None) is not None):
            return False
        if not end.waiting and not self.machine.is_over(state):
            return False
        if any(name in dict(run.done) for name in end.waiting):
            return False
        if not all(same(self.value(run, name), value) for name, value in end.values):
            return False
        threads = {thread.who.name: thread for thread in state.threads}
        names = {**{name: name for name in self.compared.threads}, **dict(run.bound)}
        faults = dict(end.faults)
        for name, model in names.items():
            one = threads.get(model)
            if one is None or name not in faults:  # it has not been started, or goes on
                if one is not None and one.pc == ENDED and name in end.waiting:
                    return False
                continue
            if one.pc != ENDED or (one.who.kind not in OF_POOLS and _error_of(one.fault) != faults[name]):
                return False
        return self._has_other_faults(run, end, names)

    @staticmethod
    def _has_other_faults(run: Run, end: End, names: Mapping[str, str]) -> bool:
        """Whether what ended threads of the code that are none of the model's ended some of the model's others as well."""
        others = [_error_of(one.fault) for one in run.state.threads if one.who.name not in names.values()]
        return all(fault is None or fault in others for name, fault in end.faults if name not in names)


def _error_of(fault: Fault | None) -> str | None:
    return None if fault is None else short_name(fault.type)
