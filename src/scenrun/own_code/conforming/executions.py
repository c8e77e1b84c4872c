"""Executions of a class beside a model: each thread of the scenario calls its method."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from scenrun.own_code.conforming.counterparts import Counterparts
from scenrun.own_code.conforming.events import ANYTHING, End, Event, plain
from scenrun.own_code.conforming.recording import Recording
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.hooking.loader import Loader, World
from scenrun.own_code.hooking.sites import Site, number_of
from scenrun.own_code.running import control
from scenrun.own_code.running.execution import Execution
from scenrun.own_code.searching.body import Body
from scenrun.own_code.searching.executions import CodeExecutions
from scenrun.own_code.telling.labels import thread_name
from scenrun.search.properties.end_states import EndState, FindingKey

SITE = number_of(Site("threads", 0, "<threads>", "a method that a thread of the scenario calls"))
Judge = Callable[[Sequence[Event], End | None], bool]
"""Whether the model can do what was seen; without an end, the execution was not over."""
DIFFERS = FindingKey("violated", "conforms")
"""What is found where the code does what its model cannot do."""


class Shared:
    """What the threads of one execution share."""

    def __init__(self, owner: Any, recording: Recording) -> None:
        self.owner = owner
        self.recording = recording


class ConformExecutions(CodeExecutions):
    """Executions of the class."""

    def __init__(
        self, loader: Loader, make: Callable[[World], Any], counterparts: Counterparts, judge: Judge, seed: int = 0
    ) -> None:
        self.counterparts = counterparts
        self.judge = judge
        self.unlike: set[str] = set()
        """What was seen in the code that is of no type that a scenario has, and so is not compared."""
        self.spins = False
        """Whether an execution ended with a thread that goes round for ever, which is not compared."""

        def build(world: World) -> Body:
            def setup() -> Shared:
                owner = make(world)
                assert control.current is not None
                recording = Recording(control.current, counterparts.threads)
                counterparts.watch(owner, recording)
                return Shared(owner, recording)

            return Body(setup, [(name, partial(_calls, operation)) for name, operation in counterparts.calls])

        super().__init__(loader, build, seed)

    @property
    def shared(self) -> Shared:
        """What the threads of the execution that was looked up last share."""
        assert self._present is not None
        found: Shared = self._present.shared
        return found

    def end(self, state: int) -> EndState:
        execution = self.at(state)
        self.note_end(state)
        if any(one.is_needed and one.is_spinning for one in execution.threads):
            self.spins = True
            end = None
        else:
            end = self.end_of(execution)
        is_of_model = not self.is_whole(execution) or self.judge(self.shared.recording.events, end)
        return EndState(() if is_of_model else (DIFFERS,), None)

    def end_of(self, execution: Execution) -> End:
        """How the present execution has ended."""
        ended = [one for one in execution.threads if one.next is None]
        names = [thread_name(execution, one.number) for one in execution.threads]
        faults = [(names[one.number], None if one.fault is None else type(one.fault).__name__) for one in ended]
        waiting = tuple([names[one.number] for one in execution.threads if one.is_needed])
        left = () if waiting else [(name, plain(value)) for name, value in self.counterparts.values(self.shared.owner)]
        self.unlike.update(f"what is left in {name}" for name, value in left if value is ANYTHING)
        self.unlike |= self.shared.recording.unlike
        return End(tuple(faults), waiting, tuple(left))

    def lasting(self, state: int) -> tuple[FindingKey, ...]:
        """An exception is compared as all else is."""
        return ()


def _calls(operation: Operation, shared: Shared) -> None:
    operation.on(shared.owner, SITE)
