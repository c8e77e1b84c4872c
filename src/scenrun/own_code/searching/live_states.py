"""Schedules that are drawn step by step, as the threads come to their points: what chooses is asked by the threads themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

from scenrun.own_code.running.execution import Chosen, Execution
from scenrun.own_code.running.steps import Controlled
from scenrun.own_code.searching.schedule_tree import THREAD_BITS, Choice, thread_of
from scenrun.search.strategies.known_states import KnownStates, Pick

Known = TypeVar("Known")
MOST_KNOWN = 1 << 16
"""States whose options are kept at a time."""


class Live(Protocol):
    """What executions of code are asked while a walk goes on."""

    def at(self, state: int) -> Execution:
        """The execution at a state."""

    def after(self, state: int, choice: Choice) -> int:
        """The state after one more step."""

    def about_to_make(self, execution: Execution, state: int) -> Chosen:
        """Note that the last step to a state is made next; gives it as the execution takes it."""


class LiveStates(KnownStates[Known]):
    """What strategies know of the states of code, in which a walk hands its choices to the threads.

    While it lasts, a policy sees choices in place of the states to which they lead; which state that is, is of no meaning to it.
    """

    def __init__(self, executions: Live, look_up: Callable[[int], Known], options: Callable[[Execution], Any]) -> None:
        """look_up, options: what is known of a state, in states that lead on, and in choices."""
        super().__init__(look_up)
        self._executions = executions
        self._options_of = options
        self._options: dict[int, Any] = {}
        """The choices at the states that walks have come to: where a walk is the same as before, nothing is run."""

    def walk(self, pick: Pick[Known], state: int, limit: int) -> tuple[int, int]:
        """Walk from a state to an end, at most `limit` steps; returns the last state and the number of steps."""
        steps = 0
        while (options := self._options.get(state)) is not None:
            if steps == limit or not options:
                return state, steps
            state = self._executions.after(state, pick(options, ~state))
            steps += 1
        if len(self._options) >= MOST_KNOWN:
            self._options.clear()
        execution = self._executions.at(state)

        def choose() -> Chosen | None:
            nonlocal state, steps
            options = self._options[state] = self._options_of(execution)
            if steps == limit or not options:
                return None
            state = self._executions.after(state, pick(options, ~state))
            steps += 1
            return self._executions.about_to_make(execution, state)

        execution.drive(choose)
        return state, steps


def choices(execution: Execution) -> Sequence[Choice]:
    """The steps that can be made next, in the order of the threads."""
    return [choice for _, ways in moves(execution) for choice in ways]


def moves(execution: Execution) -> Sequence[tuple[int, Sequence[Choice]]]:
    """The threads that can move, each with its choices; none where the execution is over."""
    if not any(one.is_needed for one in execution.threads):
        return []
    return [(one.number, ways_of(one)) for one in execution.able()]


def ways_of(one: Controlled) -> Sequence[Choice]:
    """The choices of a thread that can move: one for each way of its step."""
    assert one.next is not None
    if one.next.alternatives == 1:
        return (one.number,)
    return [one.number | way << THREAD_BITS for way in range(one.next.alternatives)]


def chosen(choice: Choice) -> Chosen:
    """A choice as an execution takes it."""
    return thread_of(choice), choice >> THREAD_BITS
