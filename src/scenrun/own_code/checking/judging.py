"""Searches one program of calls, and judges what its threads saw."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from itertools import islice

from msgspec import structs

from scenrun.own_code.checking.subject import Subject
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.hooking.loader import World
from scenrun.own_code.searching.alone import Alone, Unclear
from scenrun.own_code.searching.call_executions import CallExecutions, CallProgram, Make
from scenrun.own_code.searching.walk import Walk, WalkOptions
from scenrun.program.findings import LINEARIZABLE
from scenrun.search.options import DEPTH
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.properties.linearizability import History, explanation, not_stuck, sequential_orders
from scenrun.search.strategies.results import in_order

DIFFERENT_EACH_TIME = "the calls give something else each time, also one after another"
MOST_AGAIN = 6
"""Orders that are run once more before it is said that none of them explains what was seen."""
MAX_STEPS = 2_000
"""Steps after which a schedule is cut off."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What the search of one program came to."""

    program: CallProgram
    finding: FindingKey | None
    history: History | None
    """What was seen, where there is a finding in it."""
    schedules: int
    open: str | None
    """What keeps it from being proved; None: every schedule was walked, and nothing is wrong."""
    unaccounted: tuple[str, ...] = ()

    @property
    def is_proved(self) -> bool:
        """Whether there is nothing wrong in any schedule."""
        return self.finding is None and self.open is None


class Judge:
    """Searches programs of one subject. They share what one thread alone sees."""

    def __init__(self, subject: Subject, seed: int = 0, spec: Make | None = None) -> None:
        """spec: makes the object whose calls, by one thread, say what is right; None: the subject's own."""
        self.subject = subject
        self.seed = seed
        self._spec = spec
        self._alone: dict[tuple[object, ...], Alone] = {}
        self.by_type: set[object] = set()
        """The operations that return what may change afterwards."""

    def executions(self, program: CallProgram) -> CallExecutions:
        """Executions of a program."""
        return self._executions(program, self.subject.make)

    def _executions(self, program: CallProgram, make: Callable[[World], object]) -> CallExecutions:
        made = CallExecutions(self.subject.loader, make, program, self.seed)
        made.by_type = self.by_type
        return made

    def alone(self, program: CallProgram, *, own: bool = False) -> Alone:
        """What one thread alone sees, with the setup and the final calls of a program. own: of the subject, also with `spec`."""
        make = self.subject.make if own or self._spec is None else self._spec
        key = (program.setup, program.finals, own)
        if key not in self._alone:
            self._alone[key] = Alone(lambda one: self._executions(one, make), program)
        return self._alone[key]

    def judge(
        self, program: CallProgram, schedules: int, seconds: float | None, stopped: Callable[[], str | None]
    ) -> Judged:
        """Search a program. stopped: called now and then; a reason that it returns ends the search."""
        how = WalkOptions(None, self.seed, schedules, seconds, DEPTH, None, MAX_STEPS, look=stopped)
        while True:
            found = self._searched(program, how)
            if found is not None:
                return found
            for alone in self._alone.values():  # results are compared by their types alone now
                alone.clear()

    def _searched(self, program: CallProgram, how: WalkOptions) -> Judged | None:
        """The same; None where an operation returned what has changed since."""
        executions, alone = self.executions(program), self.alone(program)
        alone.before_run = executions.close  # one execution at a time
        seen: dict[Hashable, FindingKey | None] = {}
        unclear: list[History] = []
        wrong: list[History] = []

        def judge(history: History) -> tuple[FindingKey, ...]:
            shape = history.shape
            if shape not in seen:
                seen[shape] = finding_in(history, alone)
                if seen[shape] is None and history.is_stuck and explanation(history, alone) is None:
                    unclear.append(history)
            about = seen[shape]
            if about is None:
                return ()
            wrong.append(history)
            return (about,)

        executions.judge = judge
        walk = Walk(executions, how)
        try:
            tally, ended_by = walk.run()
            first = in_order(tally.findings.values())[:1]
        except Unclear as why:
            return Judged(program, None, None, walk.tally.schedules, str(why))
        finally:
            executions.close()
        if not self.by_type >= executions.changed | alone.changed:
            self.by_type |= executions.changed | alone.changed
            return None
        about = first[0].about if first else None
        history = wrong[0] if wrong and about is not None and about.about == LINEARIZABLE else None
        if history is not None and not _is_the_same_again(history, alone):
            return Judged(program, None, None, tally.schedules, DIFFERENT_EACH_TIME)
        return Judged(
            program,
            about,
            history,
            tally.schedules,
            self._open(walk, executions, ended_by) or _unclear(unclear),
            executions.named_unaccounted(),
        )

    @staticmethod
    def _open(walk: Walk, executions: CallExecutions, ended_by: str | None) -> str | None:
        if ended_by is not None:
            return ended_by
        if walk.cut_off:
            return f"schedules were cut off after {MAX_STEPS:,} steps"
        if executions.left_behind:
            return "threads would not end"
        named = executions.named_unaccounted()
        return f"it is not known what these do: {', '.join(named[:3])}" if named else None


def _is_the_same_again(history: History, alone: Alone) -> bool:
    """Whether one thread alone sees the same once more: what gives something else each time, no order explains."""
    orders = [
        tuple([history.calls[at] for at in order]) for order in islice(sequential_orders(history.calls), MOST_AGAIN)
    ]
    made = [
        tuple([(one.thread, one.operation) for one in calls if isinstance(one.operation, Operation)])
        for calls in orders
    ]
    return all(alone.run(order) == alone.came_of(order) for order in made)


def _unclear(histories: list[History]) -> str | None:
    """What is not known of histories in which somebody may wait for a call that waits."""
    if not histories:
        return None
    waiting = ", ".join(str(one.operation) for one in histories[0].calls if not one.has_returned)
    return f"where one call waits as it may, others wait, too, perhaps for it: {waiting}"


def finding_in(history: History, alone: Alone) -> FindingKey | None:
    """What is wrong with a history; None where an order of its calls explains it, or where that is not known."""
    if explanation(history, alone) is not None:
        return None
    if history.is_stuck and explanation(structs.replace(history, few_wait=True), alone) is not None:
        return None
    if history.is_stuck and explanation(not_stuck(history), alone) is not None:
        waiting = ", ".join(one.thread for one in history.calls if not one.has_returned)
        return FindingKey("deadlock", waiting)
    return FindingKey("violated", LINEARIZABLE)
