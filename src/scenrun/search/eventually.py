"""`expect.eventually` and `expect.leads_to`: searched in the space of all states, for ways on which it never comes.

A schedule is fair if no thread that can go on all the time is left standing for ever (weak fairness; Lamport, The Temporal
Logic of Actions, 1994); where time is virtual, it passes as fairly as threads move. What is to hold fails on a fair schedule that
begins where it is owed and avoids it: it ends there, or it comes into a strongly connected set of such states in which
each thread moves, or cannot go on somewhere. If a set is no such, no part of it is one, so that the largest ones tell.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from msgspec import Struct, structs

from scenrun.model.machine import FOLDED, FREE, TIME_PASSES, Machine, Transition
from scenrun.model.scc import components
from scenrun.program.expectations import holds
from scenrun.program.ir import Expectations, Liveness, Observation, Program
from scenrun.search.counterexample.selection import counterexamples
from scenrun.search.options import STATES, SearchOptions
from scenrun.search.portfolio import Portfolio, StateSearchOptions
from scenrun.search.properties.end_states import FindingKey
from scenrun.search.properties.witness import Witness
from scenrun.search.record import Counterexample, is_expected
from scenrun.search.result import Explored
from scenrun.search.space.packed import Packed
from scenrun.search.space.path import transitions_along
from scenrun.search.space.rounds import Wanted, moved, round_of
from scenrun.search.space.state_space import Overflow, Stopped
from scenrun.search.space.visited import Space

NEEDS_STATES = "expect.eventually and leads_to, which need a search of states"


def with_liveness(found: Explored, program: Program, seed: int, how: SearchOptions) -> Explored:
    """The result of a search with what its program is to come to: a counterexample of each that may never come."""
    if how.strategy not in (None, STATES):
        return _judged(found, how, (), 0, NEEDS_STATES)
    alone = structs.replace(program, expectations=Expectations(liveness=program.expectations.liveness))
    folded = FOLDED if how.is_timed else FREE
    packed = Packed(Machine(alone, seed, folded=folded, forgets=True, timed=how.is_timed))
    searching = StateSearchOptions(how.limits, "off", False, how.is_timed, how.look)
    while True:
        try:
            space = Portfolio(packed, searching, lambda orbits: lambda space: None, time.perf_counter()).run()
            if not space.is_closed:
                return _judged(found, how, (), 0, space.bound or "its limits")
            ways = [
                way for one in program.expectations.liveness if (way := _Avoiding(packed, space, one).way()) is not None
            ]
            break
        except Overflow:
            continue
        except Stopped as stopped:
            return _judged(found, how, (), 0, stopped.reason)
    return _judged(found, how, counterexamples(program, seed, packed, ways, how), len(ways), None)


def _judged(
    found: Explored, how: SearchOptions, shown: Sequence[Counterexample], number: int, bound: str | None
) -> Explored:
    """The result with this number of findings, some of which are shown, or what kept the search from an answer."""
    kinds, counts = found.kinds, dict(found.found)
    if number:
        kinds = (*kinds, "violated") if "violated" not in kinds else kinds
        counts["violated"] = counts.get("violated", 0) + number
    closed = found.closed and bound is None
    verdict = kinds[0] if kinds else "holds" if closed else "incomplete"
    return replace(
        found, counterexamples=(*found.counterexamples, *shown), kinds=kinds, found=counts, closed=closed, verdict=verdict,
        bound=bound or found.bound, ok=is_expected(set(kinds), found.expected, closed, is_first=how.first),
    )  # fmt: skip


class _Avoiding(Struct, dict=True):
    """The ways on which something that is owed never comes."""

    packed: Packed
    space: Space
    one: Liveness

    def __post_init__(self) -> None:
        self.is_there = self._truth(self.one.then)
        self.before: dict[int, int | None] = {}
        """The states in which it is owed and has not come, each with the one before it on a way from where it is owed."""

    def _truth(self, observation: Observation) -> Callable[[int], bool]:
        """Whether an expression holds in a state."""
        look = self.packed.machine.looks.function(observation)
        slots = sorted(self.packed.touches.slots_of(observation.cells))
        cell = self.packed.cell
        return lambda state: holds(look, {slot: cell(state, slot) for slot in slots})

    def way(self) -> Witness | None:
        """A way on which it never comes; None where there is no fair one."""
        end = self._spread()
        if end is not None:
            return self._witness(end, (), ended=True)
        place = {state: number for number, state in enumerate(self.before)}
        fair = [found for found in components(self.before, self._after) if self._is_fair(found)]
        if not fair:
            return None
        chosen = min(fair, key=lambda states: min(place[state] for state in states))
        first = min(chosen, key=place.__getitem__)
        inside = frozenset(chosen)
        return self._witness(first, tuple(round_of(self.packed, first, inside, self._fairly(inside))), ended=False)

    def _spread(self) -> int | None:
        """Visit all states in which it is owed and has not come; returns the first in which everybody has ended."""
        self.before = dict.fromkeys(self._beginnings())
        waiting = list(self.before)
        for state in waiting:
            after = self._all_after(state)
            if not after and self._is_end(state):
                return state
            for one in after:
                if one not in self.before and not self.is_there(one):
                    self.before[one] = state
                    waiting.append(one)
        return None

    def _beginnings(self) -> list[int]:
        """The states in which it begins to be owed."""
        if self.one.when is None:
            return [] if self.is_there(self.packed.initial) else [self.packed.initial]
        is_asked = self._truth(self.one.when)
        return [state for state in self.space if is_asked(state) and not self.is_there(state)]

    def _all_after(self, state: int) -> list[int]:
        later = self.packed.after_time(state)
        return [*self.packed.successors(state), *([] if later is None else [later])]

    def _after(self, state: int) -> list[int]:
        return [after for after in self._all_after(state) if after in self.before]

    def _is_end(self, state: int) -> bool:
        """Whether all that must end have; where some are stuck instead, that is told as a deadlock."""
        return self.packed.machine.is_over(self.packed.unpack(state))

    def _enabled(self, state: int) -> set[int]:
        """The threads that can go on in a state; time among them where it can pass."""
        enabled = {number for number, _ in self.packed.moves(state)}
        return enabled | ({TIME_PASSES.thread} if self.packed.after_time(state) is not None else set())

    def _moving(self, inside: frozenset[int]) -> set[int]:
        """The threads that move from a state of a set to one of it."""
        moving = {n for state in inside for n, afters in self.packed.moves(state) if not inside.isdisjoint(afters)}
        return moving | (
            {TIME_PASSES.thread} if any(self.packed.after_time(state) in inside for state in inside) else set()
        )

    def _is_fair(self, states: list[int]) -> bool:
        """Whether a strongly connected set has a cycle, and each thread moves in it or cannot go on somewhere in it."""
        inside = frozenset(states)
        if len(states) == 1 and states[0] not in self._after(states[0]):
            return False
        always = set.intersection(*map(self._enabled, states))
        return always <= self._moving(inside)

    def _fairly(self, inside: frozenset[int]) -> list[Wanted]:
        """What a fair round comes to: a step of each thread that moves, and a state in which each other one cannot go on."""
        moving = self._moving(inside)
        others = sorted({number for state in inside for number in self._enabled(state)} - moving)
        return [
            *(moved(number) for number in sorted(moving)),
            *((lambda state, _, n=number: n not in self._enabled(state)) for number in others),
        ]

    def _witness(self, state: int, cycle: tuple[Transition, ...], *, ended: bool) -> Witness:
        path = [state]
        while (earlier := self.before[path[-1]]) is not None:
            path.append(earlier)
        path.reverse()
        whole = [*self.space.path_to(path[0]), *path[1:]]
        transitions, _ = transitions_along(self.packed, whole)
        since = len(transitions_along(self.packed, whole[: self._first_owed(whole) + 1])[0])
        names = sorted({self.packed.threads(state)[one.thread].name for one in cycle if one != TIME_PASSES})
        return Witness(
            FindingKey("violated", self.one.text), tuple(transitions), cycle, said=self._sentence(since, names, ended)
        )

    def _first_owed(self, path: list[int]) -> int:
        """Where on a path it begins to be owed that is still owed at its end."""
        if self.one.when is None:
            return 0
        is_asked = self._truth(self.one.when)
        came = max((at for at, state in enumerate(path) if self.is_there(state)), default=-1)
        return next(at for at in range(came + 1, len(path)) if is_asked(path[at]))

    def _sentence(self, since: int, names: list[str], ended: bool) -> str:
        owed, when = self.one.then.text, self.one.when
        where = (
            "" if when is None else f" since {when.text} held, {f'after step {since}' if since else 'at the beginning'}"
        )
        if ended:
            return f"everybody has ended, and {owed} has not held{where}"
        who = " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names) or "time"
        go = "goes" if len(names) < 2 else "go"
        return f"{owed} may never hold{where}: {who} {go} on for ever without it"
