"""Records what controlled threads call on one object, and when: whether one call had returned before another one began.

That decides what may be explained; so orders in which it had are walked beside those in which it had not, also where the calls
touch nothing in common. A call may begin as late as with its first step: whatever had returned by then had returned before it.
That it returns is a step of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Hashable, Sequence
from functools import partial
from math import inf
from typing import Any, NamedTuple

from msgspec import structs

from scenrun.own_code.histories.comparable import Numbers, comparable, raised, type_alone
from scenrun.own_code.running.execution import Execution
from scenrun.own_code.running.steps import Opening, Step
from scenrun.search.properties.linearizability import Call, History

OTHERS = "others"
ALONE = "alone"
"""The thread of calls that are made where no thread is controlled."""


NOT_BEGUN = inf
"""When a call begins that has not come to its first step."""


class Kept(NamedTuple):
    """A result that may change after its call has returned it."""

    number: int
    value: Any
    then: Hashable


class Moments:
    """The steps with which calls begin and return, in one execution."""

    def __init__(self, execution: Execution, owner: object, threads: Sequence[str]) -> None:
        """owner: what is called; threads: the names of those that make calls, as far as they are known."""
        self._execution = execution
        self._owner = owner
        self._threads = threads

    def begin(self, begun: Callable[[], None]) -> str:
        """The thread that asks begins a call with its next step; returns its name. begun: called when that is made."""
        here = self._execution.here()
        if here is None:
            begun()
            return ALONE
        here.opening = Opening(self._looked_at(here.name), begun)
        return here.name

    def begin_when(self, ready: Callable[[], bool], text: str) -> str:
        """The thread that asks begins a call with a step of its own, once it may; returns its name."""
        here = self._execution.here()
        assert here is not None
        cells = self._looked_at(here.name)
        self._execution.point(Step("call", *cells[0], text, ready=ready, more=cells[1:]))
        return here.name

    def end(self) -> None:
        """A call of the thread that asks returns. Where it made no step, it begins and returns with this one."""
        here = self._execution.here()
        if here is not None:
            own = here.name if here.name in self._threads else OTHERS
            self._execution.point(Step("return", self._cell(own), True, "return"))

    def _looked_at(self, thread: str) -> tuple[tuple[int, bool], ...]:
        """What a call's beginning looks at: which calls of others had returned."""
        return tuple([(self._cell(one), False) for one in (*self._threads, OTHERS) if one != thread])

    def _cell(self, thread: str) -> int:
        return self._execution.cell_of(self._owner, f"returns of {thread}")


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
        self._moments = Moments(execution, self, threads)
        self._time = 0
        self._calls: list[Call] = []
        self._made: list[float] = []
        """When each call was made: it begins then, or later."""
        self._kept: list[Kept] = []
        self._numbers = Numbers()

    def began(self, operation: Hashable, text: str) -> int:
        """A thread makes a call; returns its number."""
        number, turn = len(self._calls), self._turn()
        self._calls.append(Call("", operation, NOT_BEGUN))
        self._made.append(self._time)
        thread = (
            self._moments.begin(partial(self._begun, number))
            if turn is None
            else self._moments.begin_when(turn, f"call {text}")
        )
        began = self._calls[number].began
        self._calls[number] = Call(thread, operation, began)
        if turn is not None:  # it begins with a step of its own, and no sooner
            self._made[number] = self._time
            self._begun(number)
        return number

    def _begun(self, number: int) -> None:
        one = self._calls[number]
        self._calls[number] = Call(one.thread, one.operation, self._time)
        self._time += 1

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
        self._moments.end()
        self._returned += 1
        one = self._calls[number]
        self._calls[number] = Call(one.thread, one.operation, one.began, self._time, result)
        self._time += 1

    def results_that_changed(self) -> list[Hashable]:
        """The operations that have returned what has changed since."""
        changed = [one for one in self._kept if comparable(one.value, self._numbers) != one.then]
        return [self._calls[one.number].operation for one in changed]

    def compared(self, value: Any) -> Hashable:
        """Another value, as it can be compared."""
        return comparable(value, self._numbers)

    def history(self, *, is_stuck: bool = False, final: Hashable = None) -> History:
        """The calls so far, in the order in which they began.

        Where something is not announced, it may have been done before the first step: then a call begins when it is made.
        """
        calls = self._calls
        if self._execution.unaccounted:
            calls = [
                structs.replace(one, began=min(one.began, made)) for one, made in zip(calls, self._made, strict=True)
            ]
        return History(tuple(sorted(calls, key=lambda one: one.began)), is_stuck, final)
