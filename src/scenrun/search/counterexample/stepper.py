"""Interactive stepping: lists the enabled transitions, takes the one that the user chooses, and undoes steps."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from msgspec import Struct

from scenrun.model.machine import FREE, Machine, Transition
from scenrun.model.move_schedule import MoveSchedule, OfCode
from scenrun.model.moves import Move, moves_of
from scenrun.model.state import ENDED, State
from scenrun.program.any_number import refuse_any_number
from scenrun.program.ir import Program
from scenrun.search.counterexample.explain import sentence
from scenrun.search.counterexample.freeing import Freeing
from scenrun.search.counterexample.local_steps import LocalStepRecorder
from scenrun.search.counterexample.trace import Trace, TraceStep, step_between, trace_of
from scenrun.search.counterexample.waits import where_at
from scenrun.search.properties.end_states import FindingKey, end_state_of
from scenrun.search.properties.lock_holders import Holders

TIME_IS_FREE = "this file reads the clock, and here time is free: what happens need not be possible by the clock"
"""What is said of a play whose scenario reads the clock; a search of it is one in virtual time."""


class Option(Struct, frozen=True):
    """An enabled transition, with its description."""

    transition: Transition
    step: TraceStep


class Game:
    """A schedule that is built step by step; the machine's time is free."""

    def __init__(self, program: Program, seed: int | None = None) -> None:
        refuse_any_number(program)
        self.machine = Machine(program, seed, folded=FREE)
        self._states: list[State] = [self.machine.initial()]
        self.transitions: list[Transition] = []
        self._freeing = Freeing(self.machine)

    code = None
    """For a schedule file: no code makes steps."""

    @property
    def seed(self) -> int:
        """The seed of the scenario's draws."""
        return self.machine.seed

    @property
    def state(self) -> State:
        """The current state."""
        return self._states[-1]

    def options(self) -> list[Option]:
        """The enabled transitions, in the order of the threads."""
        number = len(self.transitions) + 1
        following = self.machine.following(self.state)
        return [
            Option(transition, step_between(self.machine, number, self.state, transition, after))
            for transition, after in following
        ]

    def take(self, transition: Transition) -> TraceStep:
        """Take an enabled transition."""
        before, telling = self.state, LocalStepRecorder.over(self.machine)
        after = telling.step(before, transition)
        assert after is not None
        self.transitions.append(transition)
        self._states.append(after)
        return step_between(self.machine, len(self.transitions), before, transition, after, tuple(telling.own))

    def back(self) -> bool:
        """Undo the last step; False where there is none."""
        if self.transitions:
            self.transitions.pop()
            self._states.pop()
            return True
        return False

    def follow(self, transitions: Iterable[Transition]) -> None:
        """Take transitions one after another."""
        for transition in transitions:
            self.take(transition)

    def holders(self) -> Holders:
        """Who holds which locks and permits."""
        holders = Holders(self.machine)
        for before, transition, after in zip(self._states, self.transitions, self._states[1:], strict=False):
            holders.follow(before, transition, after)
        return holders

    def held(self) -> list[tuple[str, list[str]]]:
        """The threads that hold locks or permits, each with the names of these."""
        holders = self.holders()
        all_held = [(thread.who.name, holders.held(thread.who.name)) for thread in self.state.threads]
        return [(name, names) for name, names in all_held if names]

    def blocked(self) -> list[str]:
        """The threads that are not enabled: what each waits for, and who may free it."""
        holders, machine, state = self.holders(), self.machine, self.state
        live = [n for n, thread in enumerate(state.threads) if thread.pc != ENDED]
        stuck = [n for n in live if not any(machine.following_of(state, n))]
        return [self._freeing.told(state, n, where_at(machine, state, n, holders)) for n in stuck]

    def values(self) -> dict[str, object]:
        """The values of the shared variables by name."""
        return values_of(self.machine, self.state)

    def close(self) -> None:
        """Nothing of a model goes on by itself."""

    def told(self) -> list[TraceStep]:
        """The steps so far."""
        telling = LocalStepRecorder.over(self.machine)
        out = []
        for number, (before, transition) in enumerate(zip(self._states, self.transitions, strict=False), 1):
            after = telling.step(before, transition)
            assert after is not None
            out.append(step_between(self.machine, number, before, transition, after))
        return out

    def reached(self) -> list[tuple[FindingKey, str]]:
        """The findings of the current state, each with a sentence; the state must be terminal."""
        found = end_state_of(self.machine, self.state)
        story = trace_of(self.machine, self.transitions)
        return [(about, sentence(self.machine, about, self._to_the_breach(story, about))) for about in found.findings]

    def _to_the_breach(self, story: Trace, about: FindingKey) -> Trace:
        """The steps up to the one that breaks an expectation, whose values tell; all of them for other findings."""
        number = next((step.number for step in story.steps if about.about in step.broke), None)
        return story if number is None else trace_of(self.machine, self.transitions[:number])

    def moves(self) -> tuple[Move, ...]:
        """The transitions so far, by name."""
        return moves_of(self.machine, self.transitions)


class Played(Protocol):
    """A schedule that is built step by step: of a model, or with code."""

    @property
    def seed(self) -> int:
        """The seed of the scenario's draws."""

    @property
    def code(self) -> OfCode | None:
        """What a schedule file says of the code that makes steps."""

    def options(self) -> list[Option]:
        """What can be done next."""

    def moves(self) -> tuple[Move, ...]:
        """What was done, by name."""

    def reached(self) -> list[tuple[FindingKey, str]]:
        """The findings of an end."""


def schedule_of(game: Played, program: Program, file: str) -> MoveSchedule:
    """What was played, with what its end shows first; file: the scenario's path, for whoever makes the moves again."""
    found = [] if game.options() else game.reached()
    finding = None
    if found:
        about, _ = found[0]
        finding = (about.kind, "outcome" if about.about.startswith("outcome [") else about.about)
    return MoveSchedule(
        scenario=program.name, file=file, digest=program.digest, seed=game.seed, moves=game.moves(),
        overrides=dict(program.overrides), finding=finding, code=game.code,
    )  # fmt: skip


def values_of(machine: Machine, state: State) -> dict[str, object]:
    """The values of the shared variables by name."""
    slots = machine.slots
    pairs = enumerate(zip(state.cells, slots.kinds, strict=False))
    return {slots.label(slot): value for slot, (value, kind) in pairs if kind == "variable"}
