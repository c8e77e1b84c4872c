"""What searches must find of scenarios that need not end, worked out plainly: from the graph of all states, by definition.

Nothing here knows of packed states, of persistent sets or of symmetry. The graph has every state of the model, and in the
clock's order time passes where the definition says: where no thread can step, or each that can is on a way back.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from scenrun.model.clock import aged
from scenrun.model.machine import FOLDED, FREE, Machine
from scenrun.model.state import ENDED, State
from scenrun.program.ir import Program
from scenrun.program.values import key
from scenrun.search.space.plain_search import end_of, faults_in

TIME = -1


class TooLarge(Exception):
    """The scenario has more states than a comparison is worth."""


@dataclass
class Graph:
    """All states, by number, each with its steps: the thread's number, TIME for time passing, and the state after it."""

    machine: Machine
    states: list[State] = field(default_factory=list)
    steps: list[list[tuple[int, int]]] = field(default_factory=list)
    broken: set[int] = field(default_factory=set)
    """The `always` expectations that are false somewhere."""
    left: set[tuple[str, str]] = field(default_factory=set)
    """Faults that leave a thread which is no task, as findings."""

    def reached(self, number: int, inside: set[int], timeless: bool = False) -> set[int]:
        """The states that one or more steps lead to, staying among some."""
        seen: set[int] = set()
        waiting = deque([number])
        while waiting:
            for thread, after in self.steps[waiting.popleft()]:
                if after in inside and after not in seen and not (timeless and thread == TIME):
                    seen.add(after)
                    waiting.append(after)
        return seen


def graph_of(program: Program, *, timed: bool, most: int, folded: frozenset[str] | None = None) -> Graph:
    """The graph of a program's states. folded: ops that are no steps; those that a search folds, if None."""
    usual = FOLDED if timed else FREE
    machine = Machine(program, folded=usual if folded is None else folded, timed=timed)
    graph = Graph(machine)
    numbers: dict[Any, int] = {}

    def number_of(state: State) -> int:
        found = numbers.get(stand_in := key(state))
        if found is None:
            if len(numbers) >= most:
                raise TooLarge
            found = numbers[stand_in] = len(graph.states)
            graph.states.append(state)
            graph.steps.append([])
            graph.broken.update(state.broken)
        return found

    number_of(machine.initial())
    done, ticked = 0, 0
    while True:
        while done < len(graph.states):
            state = graph.states[done]
            for thread in () if machine.is_over(state) else range(len(state.threads)):
                for _, after in machine.following_of(state, thread):
                    graph.steps[done].append((thread, number_of(after)))
                    now = after.threads[thread]
                    if now.pc == ENDED and now.fault is not None and now.who.kind not in ("task", "future"):
                        kind = "violated" if now.fault.type == "AssertionError" else "exception"
                        graph.left.add((kind, now.who.name))
            done += 1
        if not timed or ticked == len(graph.states):
            return graph
        before = len(graph.states)
        for number in range(ticked, before):
            if (passing := passes(graph, number)) > 0:
                graph.steps[number].append((TIME, number_of(aged(machine, graph.states[number], passing))))
        ticked = before


def passes(graph: Graph, number: int) -> int:
    """How much time can pass in a state; 0 for none."""
    state, machine = graph.states[number], graph.machine
    enabled = {thread for thread, _ in graph.steps[number] if thread != TIME}
    left = [
        thread.remaining for at, thread in enumerate(state.threads)
        if thread.pc != ENDED and at not in enabled and thread.remaining
    ]  # fmt: skip
    if machine.is_over(state) or not min(left, default=0):
        return 0
    if enabled:
        everything = set(range(len(graph.states)))
        forth = graph.reached(number, everything, timeless=True)
        back = {here for here in forth if number in graph.reached(here, forth, timeless=True)}
        around = back if number in forth else set()
        if not enabled <= {t for here in around for t, after in graph.steps[here] if t != TIME and after in around}:
            return 0  # somebody moves on no way back
    return min(left)


# --- what it shows

Found = set[tuple[str, str]]


def found_in(graph: Graph) -> tuple[Found, set[Any]]:
    """Every finding, as kind and what it is about, and the outcomes."""
    machine = graph.machine
    found: Found = set(graph.left)
    found |= {("violated", machine.program.expectations.always[n].text) for n in graph.broken}
    outcomes: set[Any] = set()
    for number, state in enumerate(graph.states):
        if not graph.steps[number]:
            end = end_of(machine, state)
            found |= {one for one in end.findings if one[0] != "deadlock"}
            if not machine.is_over(state):
                found.add(
                    (
                        "deadlock",
                        names(state, {n for n, t in enumerate(state.threads) if t.pc != ENDED and not t.who.daemon}),
                    )
                )
            elif machine.looks.observe:
                outcomes.add(end.outcome)
                found |= bad_outcome(machine, end.outcome)
    for inside in fair_sets(graph, set(range(len(graph.states)))):
        found |= endless(graph, inside)
    required = machine.program.expectations.required or ()
    found |= {("violated", f"required outcome {list(one)}") for one in required if key(list(one)) not in outcomes}
    return found, outcomes


def bad_outcome(machine: Machine, outcome: Any) -> Found:
    """The finding of an outcome that is forbidden or not allowed."""
    expect = machine.program.expectations
    allowed = expect.allowed is None or outcome in [key(list(one)) for one in expect.allowed]
    forbidden = outcome in [key(list(one)) for one in expect.forbidden or ()]
    return set() if allowed and not forbidden else {("violated", f"outcome {outcome}")}


def fair_sets(graph: Graph, states: set[int]) -> Iterator[set[int]]:
    """The greatest sets of states in which an execution can stay for ever, fairly (Emerson and Lei, 1987)."""
    for around in strongly_connected(graph, states):
        moving = {t for s in around for t, after in graph.steps[s] if after in around}
        unfair = {s for s in around if any(
            t not in moving or (t != TIME and len([x for x in graph.steps[s] if x[0] == t]) > 1 and after not in around)
            for t, after in graph.steps[s])}  # fmt: skip
        if unfair:
            yield from fair_sets(graph, around - unfair)
        else:
            yield around


def strongly_connected(graph: Graph, states: set[int]) -> Iterator[set[int]]:
    """Sets of states each of which leads to each (Kosaraju and Sharir, 1981); none of a single state without a loop."""
    order: list[int] = []
    seen: set[int] = set()
    for root in sorted(states):
        stack = [(root, iter([after for _, after in graph.steps[root]]))] if root not in seen else []
        seen.add(root)
        while stack:
            state, rest = stack[-1]
            following = next((s for s in rest if s in states and s not in seen), None)
            if following is None:
                order.append(stack.pop()[0])
            else:
                seen.add(following)
                stack.append((following, iter([after for _, after in graph.steps[following]])))
    before: dict[int, list[int]] = {state: [] for state in states}
    for state in states:
        for _, after in graph.steps[state]:
            if after in states:
                before[after].append(state)
    taken: set[int] = set()
    for root in reversed(order):
        if root in taken:
            continue
        component, waiting = {root}, [root]
        while waiting:
            for state in before[waiting.pop()]:
                if state not in taken and state not in component:
                    component.add(state)
                    waiting.append(state)
        taken |= component
        if len(component) > 1 or any(after == root for _, after in graph.steps[root]):
            yield component


def endless(graph: Graph, inside: set[int]) -> Found:
    """What a set shows in which an execution stays for ever."""
    first = graph.states[min(inside)]
    could = {t for s in inside for t, _ in graph.steps[s]}
    moving = {t for s in inside for t, after in graph.steps[s] if after in inside and t != TIME}
    is_left = any(after not in inside for s in inside for _, after in graph.steps[s])
    waiting = in_vain(
        graph.machine, first, {n for n, t in enumerate(first.threads) if t.pc != ENDED and n not in could}
    )
    found: Found = set()
    if waiting and not is_left:
        found.add(("deadlock", names(first, waiting)))
    if any(not (first.threads[n].who.endless or first.threads[n].who.daemon) for n in moving):
        found.add(("livelock", names(first, moving)))
    elif waiting and is_left:
        alone = {n for n in waiting if not awaited(graph.machine, first, n) & waiting}
        found.add(("livelock", names(first, alone or waiting)))
    if not is_left:
        found |= set(faults_in(first))
    return found


def in_vain(machine: Machine, state: State, stuck: set[int]) -> set[int]:
    """Those who needed to move: not who waits, in the end, only for threads that go on."""
    while excused := {n for n in stuck if awaited(machine, state, n) and not stuck & awaited(machine, state, n)}:
        stuck = stuck - excused
    return {n for n in stuck if not state.threads[n].who.daemon}


def awaited(machine: Machine, state: State, number: int) -> set[int]:
    """The threads for whose end a thread waits."""
    operation = machine.operation_of(state.threads[number])
    if operation is None or "end" not in operation.freed_by:
        return set()
    slots = set(state.threads[number].slots)
    return {n for n, t in enumerate(state.threads) if n != number and t.pc != ENDED and slots & set(t.who.slots)}


def names(state: State, numbers: set[int]) -> str:
    """Threads by name."""
    return ", ".join(sorted(state.threads[n].who.name for n in numbers))
