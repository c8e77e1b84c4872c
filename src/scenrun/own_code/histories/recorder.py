"""Records what controlled threads call on one object: that a call begins, and that it returns, is a step of its own.

Whether one call had returned before another one began decides what may be explained; so orders in which it had are walked beside
those in which it had not, also where the calls touch nothing in common.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Sequence
from typing import Any, NamedTuple

from scenrun.own_code.histories.comparable import Numbers, comparable, raised, type_alone
from scenrun.own_code.running.execution import Execution
from scenrun.own_code.running.steps import Step
from scenrun.search.properties.linearizability import Call, History

OTHERS = "others"
ALONE = "alone"
"""The thread of calls that are made where no thread is controlled."""


class Kept(NamedTuple):
    """A result that may change after its call has returned it."""

    number: int
    value: Any
    then: Hashable


class Recorder:
    """The calls on an object in one execution."""

    def __init__(
        self,
        execution: Execution,
        threads: Sequence[str] = (),
        by_type: Container[Hashable] = (),
        order: Sequence[str] = (),
    ) -> None:
        """A record without calls.

        - threads: the names of those that make calls, as far as they are known: with others, more orders are walked.
        - by_type: the operations of whose results only the type is compared.
        - order: the thread of each call, where one call begins only after the one before has returned.
        """
        self._turns = {name: [at for at, one in enumerate(order) if one == name] for name in order}
        self._returned = 0
        self._by_type = by_type
        self._execution = execution
        self._threads = threads
        self._time = 0
        self._calls: list[Call] = []
        self._kept: list[Kept] = []
        self._numbers = Numbers()

    def began(self, operation: Hashable, text: str) -> int:
        """A thread makes a call; returns its number."""
        thread = self._step("call", f"call {text}", self._turn())
        self._calls.append(Call(thread, operation, self._time))
        return len(self._calls) - 1

    def returned(self, number: int, result: Any) -> None:
        """A call has returned."""
        operation = self._calls[number].operation
        found = type_alone(result) if operation in self._by_type else comparable(result, self._numbers)
        if operation not in self._by_type and isinstance(result, list | dict | set | bytearray):
            self._kept.append(Kept(number, result, found))
        self._end(number, found)

    def raised(self, number: int, error: Exception) -> None:
        """A call has raised an exception."""
        self._end(number, raised(error))

    def _turn(self) -> Callable[[], bool] | None:
        """Whether it is the turn of the thread that asks; None: it always is."""
        here = self._execution.here()
        turns = None if here is None else self._turns.get(here.name)
        if turns is None:
            return None
        at = turns.pop(0)
        return lambda: self._returned == at

    def _end(self, number: int, result: Hashable) -> None:
        self._step("return", "return")
        self._returned += 1
        one = self._calls[number]
        self._calls[number] = Call(one.thread, one.operation, one.began, self._time, result)

    def _step(self, kind: str, text: str, ready: Callable[[], bool] | None = None) -> str:
        """A step, if a controlled thread asks; returns the name of the thread."""
        here = self._execution.here()
        if here is not None:
            cells = self._cells(here.name, writes=kind == "return")
            self._execution.point(Step(kind, *cells[0], text, ready=ready, more=cells[1:]))
        self._time += 1
        return ALONE if here is None else here.name

    def _cells(self, thread: str, *, writes: bool) -> tuple[tuple[int, bool], ...]:
        """What a call's beginning looks at, or its return changes: which calls of others had returned."""
        if writes:
            own = thread if thread in self._threads else OTHERS
            return ((self._execution.cell_of(self, f"returns of {own}"), True),)
        looked_at = [one for one in self._threads if one != thread]
        return tuple([(self._execution.cell_of(self, f"returns of {one}"), False) for one in (*looked_at, OTHERS)])

    def results_that_changed(self) -> list[Hashable]:
        """The operations that have returned what has changed since."""
        changed = [one for one in self._kept if comparable(one.value, self._numbers) != one.then]
        return [self._calls[one.number].operation for one in changed]

    def compared(self, value: Any) -> Hashable:
        """Another value, as it can be compared."""
        return comparable(value, self._numbers)

    def history(self, *, is_stuck: bool = False, final: Hashable = None) -> History:
        """The calls so far."""
        return History(tuple(self._calls), is_stuck, final)
