"""Shortens counterexamples: finds a path to a state that shows the same finding with fewer thread switches and steps."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import pairwise
from typing import NamedTuple

from scenrun.model.machine import TIME_PASSES, Transition
from scenrun.search.space.state_space import StateSpace, Stopped

Goal = Callable[[int], bool]
"""Whether a state shows the finding."""
BUDGET = 40_000
"""The most moves that are looked at in search of the optimal path: 5,000 states of eight threads that can move."""
SWITCH = 1 << 32
"""What a switch costs, in steps: more than any path has."""
THREAD_BITS = 32
"""The bits for the number of a thread: how many there are shows while states are visited."""
TRIES = 4_000
"""The most attempts to shorten a path where the search for the optimal one was given up."""


class Cost(NamedTuple):
    """The length of a path for a reader, compared in this order."""

    switches: int
    """The number of transitions by another thread than the one before."""
    steps: int


def cost_of(transitions: Sequence[Transition]) -> Cost:
    """The cost of a path."""
    return Cost(sum(a.thread != b.thread for a, b in pairwise(transitions)), len(transitions))


def shortened(space: StateSpace, transitions: Sequence[Transition], goal: Goal) -> list[Transition]:
    """A path that reaches the goal: the optimal one if it is found within the budget, otherwise a shortened `transitions`."""
    found = best(space, goal, cost_of(transitions))
    if found is not None:
        return found
    return cut_down(space, transitions, goal)


def best(space: StateSpace, goal: Goal, most: Cost, budget: int = BUDGET) -> list[Transition] | None:
    """The path with the fewest switches, then steps, and at most the cost `most` (Dijkstra); None beyond the budget of moves."""
    # A place is a state with the last mover, as the cost of a switch depends on it; both, and both costs, are one int each.
    shift = THREAD_BITS
    movers, limit = (1 << shift) - 1, most.switches * SWITCH + most.steps
    first = space.initial << shift
    before: dict[int, int] = {}
    costs = {first: 0}
    waiting = [(0, 0, first)]
    order = done = 0
    steps: dict[int, Steps] = {}
    while waiting:
        cost, _, place = heapq.heappop(waiting)
        if cost > costs[place]:
            continue
        state, last = place >> shift, place & movers
        if state not in steps:  # a state comes with several last movers
            if goal(state):
                return _way(space, before, place, shift)
            steps[state] = space.moves(state), space.after_time(state)
        done += len(steps[state][0])
        if done > budget:
            return None
        for mover, after in _moves(steps[state], last):
            reached = cost + (1 if last in (0, mover) else 1 + SWITCH)
            following = after << shift | mover
            if reached <= limit and reached < costs.get(following, limit + 1):
                order += 1
                costs[following] = reached
                before[following] = place
                heapq.heappush(waiting, (reached, order, following))
    return None


Steps = tuple[tuple[tuple[int, tuple[int, ...]], ...], int | None]
"""The moves of a state, and the state after time has passed."""


def _moves(steps: Steps, last: int) -> Iterator[tuple[int, int]]:
    """The steps of a state: the number of the thread, plus 1, and the state after it; `last` as the mover lets time pass."""
    moves, after_time = steps
    for thread, afters in moves:
        for after in afters:
            yield thread + 1, after
    if after_time is not None:
        yield last, after_time


def _way(space: StateSpace, before: dict[int, int], place: int, shift: int) -> list[Transition]:
    places = [place]
    while places[-1] in before:
        places.append(before[places[-1]])
    places.reverse()
    return [_transition(space, one, other, shift) for one, other in pairwise(places)]


def _transition(space: StateSpace, place: int, following: int, shift: int) -> Transition:
    """The transition between two places."""
    state, after, mover = place >> shift, following >> shift, (following & (1 << shift) - 1) - 1
    found = [one for one, then in space.following(state) if then == after and one.thread in (mover, TIME_PASSES.thread)]
    return next((one for one in found if one.thread == mover), found[0])


def cut_down(space: StateSpace, transitions: Sequence[Transition], goal: Goal, tries: int = TRIES) -> list[Transition]:
    """Remove steps and merge blocks of one thread as long as the goal is reached (after Zeller and Hildebrandt, 2002)."""
    found = list(transitions)
    attempts = 0
    improved = True
    with suppress(Stopped):  # what is found by then is shorter already
        while improved and attempts < tries:
            improved = False
            for candidate in _simpler(found):
                attempts += 1
                taken = followed(space, candidate, goal)
                if taken is not None and cost_of(taken) < cost_of(found):
                    found, improved = taken, True
                    break
                if attempts >= tries:
                    break
    return found


def followed(space: StateSpace, wanted: Sequence[Transition], goal: Goal) -> list[Transition] | None:
    """The wanted transitions, without those that are not enabled in turn, up to the goal; None where it is not reached."""
    state = space.initial
    taken: list[Transition] = []
    for transition in wanted:
        if goal(state):
            return taken
        if transition == TIME_PASSES:
            if (after_time := space.after_time(state)) is not None:
                state = after_time
                taken.append(transition)
            continue
        if transition.thread >= space.thread_count or space.is_over(state):
            continue
        for found, after in space.following_of(state, transition.thread):
            if found == transition:
                state = after
                taken.append(transition)
                break
    return taken if goal(state) else None


def _simpler(transitions: list[Transition]) -> Iterator[list[Transition]]:
    """Candidates: the path without a part of it, from halves to single steps, and with two blocks of one thread merged."""
    size = len(transitions) // 2
    while size:
        for at in range(0, len(transitions), size):
            yield transitions[:at] + transitions[at + size :]
        size //= 2
    blocks = _blocks(transitions)
    for later in range(2, len(blocks)):
        thread = transitions[blocks[later][0]].thread
        for earlier in range(later - 2, -1, -1):
            if transitions[blocks[earlier][0]].thread == thread:
                start, end = blocks[later]
                at = blocks[earlier][1]
                yield transitions[:at] + transitions[start:end] + transitions[at:start] + transitions[end:]
                yield (
                    transitions[: blocks[earlier][0]]
                    + transitions[at:start]
                    + transitions[blocks[earlier][0] : at]
                    + transitions[start:]
                )
                break


def _blocks(transitions: list[Transition]) -> list[tuple[int, int]]:
    """The start and end of each maximal block of one thread's steps."""
    starts = (
        [0, *(at + 1 for at, (a, b) in enumerate(pairwise(transitions)) if a.thread != b.thread)] if transitions else []
    )
    return list(zip(starts, [*starts[1:], len(transitions)], strict=True))
