"""The executions of a scenario's model: states are packed states, and every state that was given out can be looked up."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from scenrun.model.machine import FREE, Machine, Transition
from scenrun.model.state import ENDED
from scenrun.program.ir import Program
from scenrun.search.properties.end_states import EndState, EndStateJudge, FindingKey
from scenrun.search.reduction.may_access import Effects, MayAccesses
from scenrun.search.space.packed import Packed
from scenrun.search.space.path import transitions_along
from scenrun.search.space.plain_search import faults_in
from scenrun.search.space.state_space import StateSpace
from scenrun.search.strategies.executions import Executions, Option, Point

MOST_COMPUTED = 2_000_000
"""Computed transitions after which the space is dropped: values that only grow would fill the memory."""
MOST_JUDGED = 1 << 16
"""Ends after which those that were judged are forgotten."""


class _Step(NamedTuple):
    """What is the same wherever a thread is at one place of its own."""

    name: str
    effects: Effects
    has_timeout: bool


class ModelExecutions(Executions):
    """The executions over a state space, in free time. make: makes the space; called again where it has grown too large."""

    def __init__(self, make: Callable[[], StateSpace]) -> None:
        self._make = make
        self._judged = 0
        self._use(make())

    @classmethod
    def of(cls, program: Program, seed: int) -> ModelExecutions:
        """The executions of a program's packed states. seed: of the program's own random draws."""
        return cls(lambda: Packed(Machine(program, seed, folded=FREE, forgets=True)))

    def _use(self, space: StateSpace) -> None:
        self.space = space
        kinds = space.machine.slots.kinds
        self.objects = sum(1 << slot for slot in range(len(space.machine.slots.cells)) if kinds[slot] != "thread")

    @property
    def alarm(self) -> Callable[[], None] | None:
        """Called now and then while transitions are computed; may raise Stopped."""
        return self.space.alarm

    @alarm.setter
    def alarm(self, alarm: Callable[[], None] | None) -> None:
        self.space.alarm = alarm

    def begin(self) -> int:
        """The initial state, packed anew."""
        self._judge = EndStateJudge(self.space)
        self._may_accesses = MayAccesses(self.space.machine, self.space.touches)
        self._steps: dict[tuple[int, int], _Step | None] = {}
        """By thread number and local place: None where the thread does not exist yet or has ended."""
        return self.space.begin_anew()

    def tidy(self) -> bool:
        """Replace the space where it has grown too large."""
        if self.space.computed <= MOST_COMPUTED:
            return False
        alarm = self.alarm
        self._use(self._make())
        self.alarm = alarm
        return True

    # --- steps

    def successors(self, state: int) -> Sequence[int]:
        """The states after the enabled threads' steps."""
        return self.space.successors(state)

    def moves(self, state: int) -> Sequence[tuple[int, Sequence[int]]]:
        """The enabled threads, each with the states after its steps."""
        return self.space.moves(state)

    def afters_of(self, state: int, thread: int) -> Sequence[int]:
        """The states after the steps of one thread."""
        return self.space.afters_of(state, thread)

    def point(self, state: int) -> Point:
        """The threads in a state; where the program is over, the remaining daemons count as blocked, as they are cut off."""
        space = self.space
        enabled: list[Option] = []
        waiting: list[Option] = []
        afters_of = dict(space.moves(state))
        for thread, at in enumerate(space.places(state, range(space.thread_count))):
            try:
                step = self._steps[thread, at]
            except KeyError:
                step = self._steps[thread, at] = self._step(state, thread)
            if step is not None:
                afters = afters_of.get(thread, ())
                waits = bool(afters) and step.has_timeout and self._waits(state, thread)
                option = Option(thread, step.name, afters, step.effects, waits)
                (enabled if afters else waiting).append(option)
        return Point(tuple(enabled), tuple(waiting))

    def _step(self, state: int, number: int) -> _Step | None:
        if number >= len(self.space.threads(state)):
            return None
        thread = self.space.thread(state, number)
        if thread.pc == ENDED:
            return None
        operation = self.space.machine.operation_of(thread)
        has_timeout = operation is not None and operation.timeout_at is not None
        return _Step(thread.who.name, self._may_accesses.of(thread).next, has_timeout)

    def _waits(self, state: int, thread: int) -> bool:
        """Whether an enabled thread is so only by its time-out."""
        return all(transition.expires for transition, _ in self.space.following_of(state, thread))

    # --- what an execution shows

    def end(self, state: int) -> EndState:
        """The findings and the outcome of a terminal state."""
        self._judged += 1
        if not self._judged % MOST_JUDGED:
            self._judge = EndStateJudge(self.space)
        return self._judge.of(state)

    def lasting(self, state: int) -> tuple[FindingKey, ...]:
        """Broken `always` expectations, and threads left by an exception; not tasks, whose exception may yet be retrieved."""
        unpacked = self.space.unpack(state)
        always = self.space.machine.program.expectations.always
        tasks = {thread.who.name for thread in unpacked.threads if thread.who.kind in ("task", "future")}
        found = [FindingKey("violated", always[number].text) for number in unpacked.broken]
        return (*found, *[FindingKey(*fault) for fault in faults_in(unpacked) if fault[1] not in tasks])

    def transitions(self, states: Sequence[int]) -> list[Transition]:
        """The transitions along some states, from the initial one on."""
        return transitions_along(self.space, states)[0]
