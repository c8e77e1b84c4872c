"""Counts all schedules of a small state space and the bad ones, with the probability and preemptions of a bad one."""

from __future__ import annotations

from msgspec import Struct

from scenrun.errors import UsageError
from scenrun.model.scc import components
from scenrun.search.properties.end_states import EndStateJudge
from scenrun.search.space.state_space import StateSpace
from scenrun.search.space.visited import Space


class Counted(Struct, frozen=True):
    """The counts of a scenario's schedules."""

    schedules: int
    bad: int
    """The number of schedules that end with a finding."""
    bad_probability: float
    """The probability that a uniform random walk ends with a finding."""
    least_preemptions: int | None
    """The fewest preemptions of a bad schedule; None where no schedule is bad."""


def count(space: StateSpace, visited: Space) -> Counted:
    """Count the paths of a closed, unreduced space; raises UsageError where it has a cycle."""
    order = _backwards(space, visited)
    judge = EndStateJudge(space)
    paths: dict[int, int] = {}
    bad: dict[int, int] = {}
    chance: dict[int, float] = {}
    for state in order:
        afters = space.following(state)
        if not afters:
            is_bad = bool(judge.of(state).findings)
            paths[state], bad[state], chance[state] = 1, int(is_bad), float(is_bad)
            continue
        paths[state] = sum(paths[after] for _, after in afters)
        bad[state] = sum(bad[after] for _, after in afters)
        chance[state] = sum(chance[after] for _, after in afters) / len(afters)
    first = space.initial
    return Counted(paths[first], bad[first], chance[first], _least_preemptions(space, order, judge))


def _backwards(space: StateSpace, visited: Space) -> list[int]:
    """The states in reverse topological order: each after all its successors."""
    order = []
    for component in components(visited, lambda state: [after for _, after in space.following(state)]):
        state = component[0]
        if len(component) > 1 or any(after == state for _, after in space.following(state)):
            raise UsageError("--count: a schedule of this scenario need not end, so there is no number of them")
        order.append(state)
    return order


def _least_preemptions(space: StateSpace, order: list[int], judge: EndStateJudge) -> int | None:
    """The fewest preemptions of a bad schedule: switches away from a thread that is still enabled."""
    least: dict[tuple[int, int], float] = {}
    threads = range(-1, space.thread_count)
    for state in order:
        afters = space.following(state)
        if not afters:
            cost = 0.0 if judge.of(state).findings else float("inf")
            least.update({(state, last): cost for last in threads})
            continue
        enabled = {transition.thread for transition, _ in afters}
        for last in threads:
            least[state, last] = min(
                least[after, transition.thread] + (last in enabled and transition.thread != last)
                for transition, after in afters
            )
    found = least[space.initial, -1]
    return None if found == float("inf") else int(found)
