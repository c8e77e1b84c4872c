"""What `eventually` and `leads_to` must find, worked out by a fixed point over the graph of all states.

Source: Emerson and Lei, Efficient model checking in fragments of the propositional mu-calculus, 1986. Nothing here knows
of strongly connected sets: from the states in which it is owed, those are taken away, again and again, from which some
thread can neither be seen to move nor to be unable to, while staying among the rest.
"""

from __future__ import annotations

from collections.abc import Callable

from loops_compared import Graph

from scenrun.model.state import State
from scenrun.program.expectations import holds
from scenrun.program.ir import Liveness, Observation


def may_never_come(graph: Graph, one: Liveness) -> bool:
    """Whether some fair schedule avoids it, or ends without it."""
    is_there = _truth(graph, one.then)
    is_asked = (lambda state: state is graph.states[0]) if one.when is None else _truth(graph, one.when)
    without = {number for number, state in enumerate(graph.states) if not is_there(state)}
    owed = {number for number in without if is_asked(graph.states[number])}
    avoiding = owed.union(*(graph.reached(number, without) for number in owed))
    return any(_is_ended(graph, number) for number in avoiding) or bool(_fairly_inside(graph, avoiding))


def _truth(graph: Graph, observation: Observation) -> Callable[[State], bool]:
    look = graph.machine.looks.function(observation)
    return lambda state: holds(look, state.cells)


def _is_ended(graph: Graph, number: int) -> bool:
    return not graph.steps[number] and graph.machine.is_over(graph.states[number])


def _fairly_inside(graph: Graph, states: set[int]) -> set[int]:
    """The states from which a fair schedule need never leave these."""
    inside = set(states)
    while True:
        before: dict[int, set[int]] = {number: set() for number in inside}
        for number in inside:
            for _, after in graph.steps[number]:
                if after in inside:
                    before[after].add(number)
        kept = {number for number in inside if any(after in inside for _, after in graph.steps[number])}
        for thread in {thread for number in inside for thread, _ in graph.steps[number]}:
            standing = {n for n in inside if thread not in {t for t, _ in graph.steps[n]}}
            moving = {n for n in inside if any(t == thread and after in inside for t, after in graph.steps[n])}
            kept &= _leading_to(standing | moving, before)
        if kept == inside:
            return inside
        inside = kept


def _leading_to(goal: set[int], before: dict[int, set[int]]) -> set[int]:
    """The states from which a goal is reached, it among them."""
    found, waiting = set(goal), list(goal)
    while waiting:
        for earlier in before[waiting.pop()] - found:
            found.add(earlier)
            waiting.append(earlier)
    return found
