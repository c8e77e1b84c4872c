"""Interactive stepping through a scenario with its code: as for a model, but each step back makes the schedule again."""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from scenrun.errors import UsageError
from scenrun.model.machine import Transition
from scenrun.model.move_schedule import OfCode
from scenrun.model.moves import Move
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.searching.body import Different
from scenrun.own_code.searching.explore_scenario import executions_of
from scenrun.own_code.searching.output import silent
from scenrun.own_code.searching.schedule_tree import ROOT
from scenrun.own_code.searching.walk import Walk, WalkOptions
from scenrun.own_code.telling.follow import Follower
from scenrun.own_code.telling.story import Story, counterexample_of
from scenrun.program.ir import Program
from scenrun.search.counterexample.stepper import Option, values_of
from scenrun.search.counterexample.trace import TraceStep
from scenrun.search.options import DEPTH
from scenrun.search.properties.end_states import FindingKey

FIRST_LOOK, FIRST_LOOK_S, MAX_STEPS = 300, 2.0, 5_000
"""The schedules, seconds and steps of the search that finds out which accesses race, and so are steps."""


class CodeGame:
    """A schedule of a scenario with `objects` that is built step by step."""

    def __init__(self, program: Program, seed: int | None = None) -> None:
        self.seed = program.seed if seed is None else seed
        self.program = program
        self.executions = executions_of(program, self.seed)
        self.transitions: list[Transition] = []
        self._states = [ROOT]
        self._told: list[TraceStep] = []

    def look_first(self) -> None:
        """Find out which accesses race, by a short search."""
        how = WalkOptions("dpor", self.seed, FIRST_LOOK, FIRST_LOOK_S, DEPTH, None, MAX_STEPS, first=False)
        with silent():
            Walk(self.executions, how).run()
        self._begin(self.executions.named_marks())

    def follow(self, moves: Iterable[Move], code: OfCode) -> None:
        """Begin at the end of a schedule; raises Diverged where it does not fit."""
        self._begin(code.marks)
        follower = Follower(self.executions)
        follower.follow(tuple(moves))
        for transition in self.executions.transitions([follower.state]):
            self.take(transition)

    def _begin(self, marks: tuple[dict[str, str], ...]) -> None:
        self.executions.begin()
        self.executions.records = True
        self.executions.follow_marks(marks)

    @property
    def state(self) -> int:
        """The present state."""
        return self._states[-1]

    def close(self) -> None:
        """End the threads."""
        self.executions.close()

    def options(self) -> list[Option]:
        """The enabled steps, in the order of the threads."""
        try:
            moves = self.executions.moves(self.state)
            story = Story(self.executions)
            number = len(self.transitions) + 1
            return [
                Option(Transition(thread, alternative=way), story.next_step(number, thread, way))
                for thread, afters in moves
                for way in range(len(afters))
            ]
        except (Uncontrolled, Different) as error:
            raise UsageError(str(error)) from None

    def take(self, transition: Transition) -> TraceStep:
        """Make an enabled step."""
        afters = self.executions.afters_of(self.state, transition.thread)
        step = Story(self.executions).next_step(len(self.transitions) + 1, transition.thread, transition.alternative)
        before = self.executions.lasting(self.state)
        self.transitions.append(transition)
        self._states.append(afters[transition.alternative])
        new = [found for found in self.executions.lasting(self.state) if found not in before]
        fault = next((self.executions.fault_of(one.about) for one in new if one.about == step.thread), None)
        broke = tuple(one.about for one in new if one.kind == "violated" and one.about != step.thread)
        self._told.append(structs.replace(step, broke=broke, fault=fault))
        return self._told[-1]

    def back(self) -> bool:
        """Undo the last step; False where there is none."""
        if not self.transitions:
            return False
        for made in (self.transitions, self._states, self._told):
            made.pop()
        return True

    def told(self) -> list[TraceStep]:
        """The steps so far."""
        return list(self._told)

    def held(self) -> list[tuple[str, list[str]]]:
        """Nothing: which locks code holds is not followed."""
        return []

    def blocked(self) -> list[str]:
        """The threads that are not enabled, and what they wait for."""
        able = {thread for thread, _ in self.executions.moves(self.state)}
        return [str(one) for one in Story(self.executions).waiting(able)]

    def values(self) -> dict[str, object]:
        """The values of the shared variables by name."""
        self.executions.at(self.state)
        return values_of(self.executions.model.machine, self.executions.running.state)

    def reached(self) -> list[tuple[FindingKey, str]]:
        """The findings of the present state, at which nobody can move, each with a sentence."""
        found = self.executions.end(self.state).findings
        return [(about, counterexample_of(self.executions, about, is_shown=True).sentence) for about in found]

    def moves(self) -> tuple[Move, ...]:
        """The steps so far, by name."""
        self.executions.at(self.state)
        return tuple(self.executions.moves_made)

    @property
    def code(self) -> OfCode:
        """What a schedule file says of the code."""
        return OfCode(self.executions.named_marks(), trace=tuple(sorted(self.executions.loader.traced)))
