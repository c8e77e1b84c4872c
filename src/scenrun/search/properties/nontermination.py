"""Nontermination: finds sets of states in which a fair execution may stay for ever, with their looping and stuck threads.

An execution that enters a bottom strongly connected component stays in it: a thread that never moves in it is stuck,
and a thread that moves in it without ending is in a livelock. A component that can be left is a livelock, too, of the
threads that loop in it or of those that wait in it for ever, if staying in it is fair: every thread that is enabled
somewhere in it moves in it, and every alternative of a `choose` in it stays in it (strong fairness; Musuvathi and
Qadeer, Fair Stateless Model Checking, PLDI 2008, require the same of a cycle). Such components are found by the
algorithm for the emptiness of a Streett condition (Emerson and Lei, 1987): states at which staying would be unfair are
removed, and the rest is decomposed again.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Sequence

from msgspec import Struct

from scenrun.model.machine import TIME_PASSES
from scenrun.model.scc import components
from scenrun.model.state import ENDED, State
from scenrun.search.space.state_space import StateSpace
from scenrun.search.space.visited import Space

Taken = Callable[[int], Sequence[int]]


class BottomScc(Struct, frozen=True):
    """A strongly connected set of states in which a fair execution may stay for ever; a bottom one unless `is_left`."""

    states: Sequence[int]
    moving: frozenset[int]
    """The numbers of the threads that move in the set."""
    stuck: frozenset[int]
    """The numbers of the non-daemon threads that can never move again; empty where the set can be left."""
    starved: frozenset[int]
    """Where the set can be left: the numbers of the non-daemon threads that may wait for ever although they need not."""
    is_left: bool
    """Whether a transition leaves the set."""

    @property
    def inside(self) -> Container[int]:
        """The states, to ask whether one is among them."""
        return frozenset(self.states) if isinstance(self.states, tuple) else self.states


class Nontermination:
    """Finds the sets of states of a closed search in which a fair execution may stay for ever."""

    def __init__(self, space: StateSpace, visited: Space, taken: Taken | None = None) -> None:
        """taken: the successors of a state that a reduced search explored; None: all successors."""
        self.space = space
        self.visited = visited
        self._taken = taken
        self._round = self._local_cycles()
        """For each thread, the places on cycles of its own steps."""

    @property
    def any(self) -> bool:
        """Whether any thread can return to a local state."""
        return any(self._round)

    def find(self) -> Iterator[BottomScc]:
        """Every set of states in which it is fair to stay for ever: a deadlock of some threads, a livelock, or neither."""
        if not any(self._round):
            return
        inside = list(self.visited.at_places(self.space, self._round))
        yield from self._fair(inside, set(inside))

    # --- the threads, each by itself

    def _local_cycles(self) -> list[set[int]]:
        """For each thread the places on cycles of its own steps.

        An over-approximation that ignores other threads; it limits the search for components to few states and moves.
        """
        return [self._cycles_of(number) for number in range(self.space.thread_count)]

    def _cycles_of(self, number: int) -> set[int]:
        places = range(len(self.space.local_states(number)))
        if self.space.machine.timed:  # the passing of time changes local states as well, so all count
            return set(places[1:])
        steps = {place: sorted({after for after, _, _ in self.space.local_steps(number, place)}) for place in places}
        found: set[int] = set()
        for component in components(steps, steps.__getitem__):
            if len(component) > 1 or component[0] in steps[component[0]]:
                found.update(component)
        return found

    def _moves(self, state: int) -> Iterator[tuple[int, int]]:
        """The explored moves from a state that stay on local cycles, each as its thread's number and the successor."""
        taken = None if self._taken is None else self._taken(state)
        for number, after in self.space.moves_within(state, self._round):
            if taken is None or after in taken:
                yield number, after
        if (after_time := self.space.after_time(state)) is not None:
            yield TIME_PASSES.thread, after_time

    # --- sets of states

    def _fair(self, states: list[int], inside: set[int]) -> Iterator[BottomScc]:
        """The fair sets among these states."""
        graph = {state: [after for _, after in self._moves(state) if after in inside] for state in states}
        for component in components(states, graph.__getitem__):
            if len(component) > 1 or component[0] in graph[component[0]]:
                yield from self._judged(component)

    def _judged(self, component: list[int]) -> Iterator[BottomScc]:
        """The component if staying in it is fair; otherwise the fair sets of the rest without the unfair states."""
        inside = set(component)
        moving = {number for state in component for number, after in self._moves(state) if after in inside}
        could = {number for state in component for number, _ in self.space.moves(state)}
        unfair = {state for state in component if self._is_unfair(state, inside, moving)}
        if unfair:
            rest = [state for state in component if state not in unfair]
            if rest:
                yield from self._fair(rest, set(rest))
            return
        is_left = any(after not in inside for state in component for after in self._afters(state))
        moving.discard(TIME_PASSES.thread)
        waiting = self._waiting_in_vain(component[0], could)
        none = frozenset[int]()
        yield BottomScc(
            tuple(component), frozenset(moving), none if is_left else waiting, waiting if is_left else none, is_left
        )

    def _afters(self, state: int) -> Sequence[int]:
        if self._taken is not None:
            return self._taken(state)
        return [after for _, after in self.space.following(state)]

    def _is_unfair(self, state: int, inside: set[int], moving: set[int]) -> bool:
        """Whether a thread that never moves in the set is enabled here, or one of several alternatives here leaves the set."""
        if TIME_PASSES.thread not in moving and self.space.after_time(state) is not None:
            return True
        for number, afters in self.space.moves(state):
            if number not in moving or (len(afters) > 1 and not inside.issuperset(afters)):
                return True
        return False

    def _waiting_in_vain(self, state: int, could: set[int]) -> frozenset[int]:
        """The non-daemon threads that are enabled nowhere in a set; not those that only wait for the end of a moving thread."""
        now = self.space.unpack(state)
        stuck = {n for n, thread in enumerate(now.threads) if thread.pc != ENDED and n not in could}
        awaited = {n: self._awaited(now, n) for n in stuck}
        while excused := {n for n in stuck if awaited[n] and not stuck & awaited[n]}:
            stuck -= excused
        return frozenset(n for n in stuck if not now.threads[n].who.daemon)

    def victims(self, found: BottomScc) -> frozenset[int]:
        """The starved threads that do not wait for the end of another starved one; all of them if there is none such."""
        now = self.space.unpack(found.states[0])
        alone = frozenset(n for n in found.starved if not self._awaited(now, n) & found.starved)
        return alone or found.starved

    def _awaited(self, now: State, number: int) -> set[int]:
        """The numbers of the threads whose end a thread waits for."""
        operation = self.space.machine.operation_of(now.threads[number])
        if operation is None or "end" not in operation.freed_by:
            return set()
        slots = set(now.threads[number].slots)
        return {n for n, t in enumerate(now.threads) if n != number and t.pc != ENDED and slots & set(t.who.slots)}

    def must_end(self, found: BottomScc) -> bool:
        """Whether a moving thread of the set must end: it is neither endless nor a daemon."""
        whos = self.space.threads(found.states[0])
        return any(not (whos[n].endless or whos[n].daemon) for n in found.moving)
