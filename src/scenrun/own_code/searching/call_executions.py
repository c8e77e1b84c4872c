"""Executions of threads that call one object: what they return is compared with what the same calls return one after another."""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from scenrun.own_code.histories.comparable import raised
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.histories.recorder import Recorder
from scenrun.own_code.hooking.loader import Loader, World
from scenrun.own_code.hooking.sites import Site, number_of
from scenrun.own_code.running import control
from scenrun.own_code.running.execution import Execution, NotControlled, Uncontrolled, Unwound
from scenrun.own_code.running.locks import WOULD_BLOCK
from scenrun.own_code.searching.body import Body
from scenrun.own_code.searching.executions import CodeExecutions, is_sure
from scenrun.program.findings import kind_of_fault
from scenrun.search.properties.end_states import EndState, FindingKey
from scenrun.search.properties.linearizability import BLOCKS, History

PASSING = (Unwound, Uncontrolled, NotControlled, RecursionError)
"""Exceptions that are about the search, not about the code."""
SITE = number_of(Site("calls", 0, "<calls>", "a call of the object"))

Make = Callable[[World], Any]
"""Makes the object, of modules of its own."""


@dataclass(frozen=True, slots=True)
class CallProgram:
    """Threads that call an object."""

    threads: tuple[tuple[Operation, ...], ...]
    """What each thread calls, one after another."""
    setup: tuple[Operation, ...] = ()
    """Called before there are threads."""
    finals: tuple[Operation, ...] = ()
    """Called after all threads, to see what is left."""
    given_names: tuple[str, ...] = ()
    """The names of the threads; none: a, b .."""
    order: tuple[str, ...] = ()
    """The thread of each call, where they are made one after another; none: at the same time."""

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the threads."""
        return self.given_names or tuple([chr(ord("a") + at) for at in range(len(self.threads))])

    def __str__(self) -> str:
        return " || ".join("; ".join(map(str, one)) for one in self.threads)


class Called:
    """An object, and what was called."""

    def __init__(self, owner: Any, program: CallProgram, by_type: Container[Hashable]) -> None:
        assert control.current is not None
        self.owner = owner
        self.recorder = Recorder(control.current, program.names, by_type, program.order)
        self.finals = program.finals

    def run(self, operations: Sequence[Operation]) -> None:
        """What a thread does."""
        for operation in operations:
            number = self.recorder.began(operation, str(operation))
            try:
                result = operation.on(self.owner, SITE)
            except PASSING:
                raise
            except Exception as error:
                self.recorder.raised(number, error)
            else:
                self.recorder.returned(number, result)

    @cached_property
    def left(self) -> Hashable:
        """What is left, once all threads have ended: what the final calls return, up to one that waits."""
        out: list[Hashable] = []
        for operation in self.finals:
            try:
                out.append(self.recorder.compared(operation.on(self.owner, SITE)))
            except PASSING:
                raise
            except Exception as error:
                if str(error) == WOULD_BLOCK:
                    return (*out, BLOCKS)
                out.append(raised(error))
        return tuple(out)


class CallExecutions(CodeExecutions):
    """Executions of such a program."""

    def __init__(self, loader: Loader, make: Make, program: CallProgram, seed: int = 0) -> None:
        """make: makes the object, of modules that are loaded anew."""
        self.program = program
        self.by_type: Container[Hashable] = ()
        """The operations of whose results only the type is compared."""
        self.changed: set[Hashable] = set()
        """The operations whose results have changed after they were returned."""
        self.judge: Callable[[History], tuple[FindingKey, ...]] = lambda history: ()
        """What is found in what the threads have called, once they have ended or can never go on."""

        def build(world: World) -> Body:
            def setup() -> Called:
                owner = make(world)
                for operation in program.setup:
                    operation.on(owner, SITE)
                return Called(owner, program, self.by_type)

            clients = [partial(_client, operations) for operations in program.threads]
            return Body(setup, list(zip(program.names, clients, strict=True)))

        super().__init__(loader, build, seed)

    def history(self, state: int) -> History:
        """What was called in an execution that has ended."""
        return self.history_of(self.at(state))

    def history_of(self, execution: Execution) -> History:
        """What was called in the present execution, which has ended."""
        assert self._present is not None
        called: Called = self._present.shared
        self.changed.update(called.recorder.results_that_changed())
        if any(one.next is not None for one in self._present.threads):
            return called.recorder.history(is_stuck=True)
        return called.recorder.history(final=called.left)

    def end(self, state: int) -> EndState:
        self.note_end(state)
        execution = self.at(state)
        faults = self.lasting(state)
        history = self.history(state)
        if not self.is_whole(execution) or (history.is_stuck and not is_sure(execution)):
            return EndState(faults, None)
        return EndState((*faults, *self.judge(history)), None)

    def lasting(self, state: int) -> tuple[FindingKey, ...]:
        faults = [(one.name, one.fault) for one in self.at(state).threads if one.fault is not None]
        return tuple(FindingKey(kind_of_fault(type(fault).__name__), name) for name, fault in faults)


def _client(operations: Sequence[Operation], called: Called) -> None:
    called.run(operations)
