"""What an object does when calls of it are made one after another: the specification that histories are held to.

Each call is made by its own thread, as what belongs to a thread, such as a lock that it holds, is another one's for others.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from scenrun.own_code.histories.comparable import has_things, relabelled
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.searching.call_executions import CallExecutions, CallProgram
from scenrun.own_code.searching.live_states import choices, chosen
from scenrun.own_code.searching.walk import Walk, WalkOptions
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.properties.linearizability import BLOCKS, Call, History

MOST_SCHEDULES, MAX_STEPS = 500, 5_000
"""Of an object that starts threads of its own: how many schedules of one order of calls are walked; and steps of each."""


class Unclear(Exception):
    """What one thread alone sees is not known."""


Order = tuple[tuple[str, Operation], ...]
"""Calls one after another, each with the name of its thread."""


class Came(NamedTuple):
    """What some calls, one after another, have come to."""

    results: tuple[Hashable, ...]
    final: Hashable


@dataclass(slots=True)
class _Node:
    """A state: the calls that led to it, and what they returned."""

    order: Order
    results: tuple[Hashable, ...]
    finals: set[Hashable]
    after: dict[Hashable, list[tuple[Hashable, int]]] = field(default_factory=dict)


class Alone:
    """A specification by running the object itself, or another one, by one thread: each order of calls once."""

    initial = 0

    def __init__(
        self,
        executions: Callable[[CallProgram], CallExecutions],
        program: CallProgram,
        before_run: Callable[[], None] = lambda: None,
    ) -> None:
        """What calls come to, each order run when it is asked for.

        - executions: those of a program.
        - program: whose setup and final calls are made in each.
        - before_run: called before something is run.
        """
        self.before_run = before_run
        self._executions = executions
        self._setup, self._finals = program.setup, program.finals
        self._came: dict[Order, frozenset[Came]] = {}
        self._nodes: list[_Node] = []
        self.starts_threads = False
        """Whether the object starts threads of its own."""
        self.looks_at_clock = False
        """Whether a call has looked at the clock."""
        self.unaccounted: dict[str, int] = {}
        """What the calls did that is not announced, each with a site where they did."""
        self.changed: set[Hashable] = set()
        """The operations that return what may change afterwards: of these results, only the type is compared."""
        self.clear()

    def clear(self) -> None:
        """Begin anew, as other results are compared than before."""
        self._came.clear()
        self._nodes = [_Node((), (), {came.final for came in self.came_of(())})]

    # --- the specification

    def after(self, state: int, call: Call) -> Iterable[tuple[Hashable, int]]:
        """What a call returns in a state, each with the state after it."""
        node, about = self._nodes[state], (call.thread, call.operation)
        found = node.after.get(about)
        if found is None:
            found = node.after[about] = self._after(node, call)
        return found

    def _after(self, node: _Node, call: Call) -> list[tuple[Hashable, int]]:
        out: dict[Hashable, int] = {}
        assert isinstance(call.operation, Operation)
        order = (*node.order, (call.thread, call.operation))
        for came in self.came_of(order):
            if came.results[:-1] != node.results:
                continue
            result = came.results[-1]
            if result not in out:
                out[result] = len(self._nodes)
                self._nodes.append(_Node(order, came.results, set()))
            self._nodes[out[result]].finals.add(came.final)
        return list(out.items())

    def finals(self, state: int) -> Iterable[Hashable]:
        """What may be left at a state."""
        return self._nodes[state].finals

    def tells_apart(self, history: History) -> bool:
        """Whether results name objects."""
        return has_things(history.final) or any(has_things(one.result) for one in history.calls)

    def as_seen(self, results: Sequence[Hashable]) -> Sequence[Hashable]:
        """Results along an order, with objects numbered as they are met."""
        return _relabelled(results)

    # --- running it

    def came_of(self, order: Order) -> frozenset[Came]:
        """What some calls, one after another, may come to; up to a call that waits for ever. Raises Unclear."""
        found = self._came.get(order)
        if found is None:
            found = self._came[order] = frozenset(self.run(order))
        return found

    def run(self, order: Order) -> set[Came]:
        """The same, run anew."""
        self.before_run()
        names = tuple(dict.fromkeys(thread for thread, _ in order))
        threads = tuple([tuple([call for thread, call in order if thread == name]) for name in names])
        turns = tuple([thread for thread, _ in order])
        executions = self._executions(CallProgram(threads, self._setup, self._finals, names, turns))
        came: set[Came] = set()

        def note(history: History) -> tuple[FindingKey, ...]:
            came.add(self._came_to(history))
            return ()

        executions.judge = note
        try:
            self._once(executions)
            if self.starts_threads:
                self._all(executions)
        finally:
            executions.close()
            self.changed |= executions.changed
            self.unaccounted |= executions.unaccounted
        return came

    def _once(self, executions: CallExecutions) -> None:
        """One execution: it is the only one, unless the object starts threads."""
        execution = executions.at(executions.begin())
        state = 0

        def choose() -> tuple[int, int] | None:
            nonlocal state
            ways = choices(execution)
            if not ways or len(execution.moved) > MAX_STEPS:
                return None
            state = executions.after(state, ways[0])
            return chosen(ways[0])

        execution.drive(choose)
        if len(execution.moved) > MAX_STEPS:
            raise Unclear(f"it has not ended after {MAX_STEPS:,} steps")
        self.looks_at_clock |= execution.has_looked_at_clock
        self.starts_threads |= len(execution.threads) > len(executions.program.threads)
        executions.judge(executions.history_of(execution))

    def _all(self, executions: CallExecutions) -> None:
        how = WalkOptions(None, 0, MOST_SCHEDULES, None, 3, None, MAX_STEPS, first=False)
        walk = Walk(executions, how)
        _, ended_by = walk.run()
        if ended_by is not None or walk.cut_off:
            raise Unclear(
                f"it starts threads of its own, and not all that these may do was seen ({ended_by or 'cut off'})"
            )

    def _came_to(self, history: History) -> Came:
        results = [one.result for one in history.calls if one.has_returned]
        if history.is_stuck:
            results.append(BLOCKS)
        *seen, final = _relabelled([*results, history.final])
        return Came(tuple(seen), final)


def _relabelled(results: Sequence[Any]) -> tuple[Hashable, ...]:
    labels: dict[int, int] = {}
    return tuple([relabelled(one, labels) for one in results])
