"""Executions of Python code: threads are generators, and a state is a schedule, which is run when it is looked up."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from typing import Any

from scenrun.model.machine import Transition
from scenrun.search.properties.end_states import EndState, FindingKey
from scenrun.search.reduction.may_access import Effects
from scenrun.search.strategies.executions import Executions, Option, Point

Announced = tuple[str, str]
"""What a thread is about to do: `read`, `write`, `take` or `give`, and the object."""
Body = Callable[[dict[str, Any]], Generator[Announced, None, None]]
"""A thread: it announces each access to the shared objects, and makes it when it is resumed."""


@dataclass
class Run:
    """One execution, up to where its threads are now."""

    schedule: tuple[int, ...]
    shared: dict[str, Any]
    threads: list[Generator[Announced, None, None]]
    next: list[Announced | None]
    """What each thread announces; None where it has ended."""
    faults: dict[int, str] = field(default_factory=dict)
    owners: dict[str, int] = field(default_factory=dict)

    def is_enabled(self, thread: int) -> bool:
        """Whether a thread can move."""
        announced = self.next[thread]
        return announced is not None and not (announced[0] == "take" and announced[1] in self.owners)

    def move(self, thread: int) -> None:
        """Let a thread make what it has announced, up to what it announces next."""
        announced = self.next[thread]
        assert announced is not None
        if announced[0] == "take":
            self.owners[announced[1]] = thread
        if announced[0] == "give":
            del self.owners[announced[1]]
        self.schedule = (*self.schedule, thread)
        self.resume(thread)

    def resume(self, thread: int) -> None:
        """Run a thread up to its next announcement."""
        try:
            self.next[thread] = next(self.threads[thread], None)
        except ArithmeticError as error:
            self.next[thread], self.faults[thread] = None, type(error).__name__


class CodeExecutions(Executions):
    """The executions of some generator functions. check: what must be true of the shared objects at the end."""

    def __init__(
        self, shared: dict[str, Any], threads: Sequence[Body], check: Callable[[dict[str, Any]], bool]
    ) -> None:
        self._shared, self._bodies, self._check = shared, threads, check
        self.alarm: Callable[[], None] | None = None
        self.runs = 0
        """How often the program was run from its beginning."""
        self._bits: dict[str, int] = {}
        self._schedules: list[tuple[int, ...]] = []
        self._numbers: dict[tuple[int, ...], int] = {}
        self._run: Run | None = None

    @property
    def objects(self) -> int:
        return -1

    def begin(self) -> int:
        self._schedules.clear()
        self._numbers.clear()
        return self._number(())

    def tidy(self) -> bool:
        return False

    def _number(self, schedule: tuple[int, ...]) -> int:
        found = self._numbers.setdefault(schedule, len(self._schedules))
        if found == len(self._schedules):
            self._schedules.append(schedule)
        return found

    def _at(self, state: int) -> Run:
        """The execution at a state: the last one taken on, or a new one where it went another way."""
        schedule, run = self._schedules[state], self._run
        if run is None or schedule[: len(run.schedule)] != run.schedule:
            self.runs += 1
            shared = dict(self._shared)
            threads = [body(shared) for body in self._bodies]
            run = self._run = Run((), shared, threads, [None] * len(threads))
            for thread in range(len(threads)):
                run.resume(thread)
        for thread in schedule[len(run.schedule) :]:
            run.move(thread)
        return run

    def successors(self, state: int) -> Sequence[int]:
        return [after for _, afters in self.moves(state) for after in afters]

    def moves(self, state: int) -> Sequence[tuple[int, Sequence[int]]]:
        enabled = [thread for thread in range(len(self._bodies)) if self._at(state).is_enabled(thread)]
        return [(thread, self.afters_of(state, thread)) for thread in enabled]

    def afters_of(self, state: int, thread: int) -> Sequence[int]:
        if not self._at(state).is_enabled(thread):
            return ()
        return (self._number((*self._schedules[state], thread)),)

    def point(self, state: int) -> Point:
        run = self._at(state)
        announced = [(thread, one) for thread, one in enumerate(run.next) if one is not None]
        options = [
            Option(thread, f"t{thread}", self.afters_of(state, thread), self._effects(*one), False)
            for thread, one in announced
        ]
        return Point(tuple(o for o in options if o.afters), tuple(o for o in options if not o.afters))

    def _effects(self, what: str, name: str) -> Effects:
        bit = self._bits.setdefault(name, 1 << len(self._bits))
        return Effects(bit, 0 if what == "read" else bit)

    def end(self, state: int) -> EndState:
        run = self._at(state)
        stuck = [f"t{thread}" for thread, one in enumerate(run.next) if one is not None]
        found = list(self.lasting(state))
        if stuck:
            return EndState((*found, FindingKey("deadlock", ", ".join(stuck))), None)
        if not self._check(run.shared):
            found.append(FindingKey("violated", "check"))
        return EndState(tuple(found), tuple(run.shared.values()))

    def lasting(self, state: int) -> tuple[FindingKey, ...]:
        return tuple(FindingKey("exception", f"t{thread}") for thread in self._at(state).faults)

    def transitions(self, states: Sequence[int]) -> list[Transition]:
        return [Transition(thread) for thread in self._schedules[states[-1]]]
