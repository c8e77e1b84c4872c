"""A whole state search: builds the state space, with or without reduction, and collects its findings with witnesses."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from msgspec import Struct, field

from scenrun.model.machine import FOLDED, FREE, Machine, Transition
from scenrun.program.expectations import missing_outcomes
from scenrun.program.ir import Program
from scenrun.program.values import key
from scenrun.search.counterexample.goals import goal_of
from scenrun.search.portfolio import Portfolio, StateSearchOptions
from scenrun.search.properties.end_states import EndStateJudge, FindingKey, outcome_text
from scenrun.search.properties.nontermination import BottomScc, Nontermination
from scenrun.search.properties.witness import Witness
from scenrun.search.space.breadth_first import Look
from scenrun.search.space.packed import Packed
from scenrun.search.space.path import Orbits, step_to, transitions_along
from scenrun.search.space.plain_search import faults_in
from scenrun.search.space.rounds import moved, round_of
from scenrun.search.space.state_space import Overflow, Violation
from scenrun.search.space.visited import LinkedSpace, Space

T = TypeVar("T")
MOST_OF_A_KIND = 20
"""Findings of one kind for which a witness is kept."""


class SearchedSpace(Struct):
    """A state space and its findings."""

    packed: Packed
    space: Space
    reduced: bool
    orbits: Orbits | None = None
    """Where symmetry was used: what finds representatives."""
    ways: list[Witness] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    """The number of different findings of each kind."""
    last_states: int = 0
    """Terminal states, as far as they differ in what counts."""
    outcomes: list[tuple[Any, ...]] = field(default_factory=list)
    missing: list[tuple[Any, ...]] = field(default_factory=list)
    """Required outcomes that no schedule gives."""


def search(
    program: Program, seed: int, how: StateSearchOptions, also: Callable[[SearchedSpace], T]
) -> tuple[SearchedSpace, T]:
    """Search all states of a program and collect their findings, with the result of `also` on the space.

    also: called while the packed states are valid; it may raise Overflow, and is then called again on a new search.
    """
    began = time.perf_counter()
    folded = FOLDED if how.timed else FREE
    packed = Packed(Machine(program, seed, folded=folded, forgets=True, timed=how.timed))
    while True:
        try:
            searched = _search(packed, how, began)
            return searched, also(searched)
        except Overflow:
            continue


def _search(packed: Packed, how: StateSearchOptions, began: float | None = None) -> SearchedSpace:
    first = FirstFinding(packed, how)
    searches = Portfolio(packed, how, first.looking_at, began)
    space = searches.run()
    searched = SearchedSpace(packed, space, searches.is_reduced, searches.orbits)
    shown = _FindingCollector(searched, how)
    shown.add_all()
    if not space.is_closed:
        for kind, about, transitions in packed.walked_into:
            shown.add_way(Witness(FindingKey(kind, about), transitions))
        if first.way is not None:
            shown.add_way(first.way)
    return searched


class FirstFinding:
    """Keeps the first finding, and tells it while a search goes on: of what transitions and terminal states show by themselves.

    Of several spaces that are searched in turn, it may be of one that another one has replaced.
    """

    def __init__(self, packed: Packed, how: StateSearchOptions) -> None:
        self.packed = packed
        self.how = how
        self.way: Witness | None = None
        self._collector: _FindingCollector | None = None

    def looking_at(self, orbits: Orbits | None) -> Look:
        """What looks at what a search has come to since the last look, and returns a reason to end it.

        orbits: what finds representatives, where the space is one of them.
        """
        return lambda space: self._look(space, orbits)

    def _look(self, space: Space, orbits: Orbits | None) -> str | None:
        is_asked = self.how.found is not None or space.is_full
        if self.way is not None or not is_asked:
            return None
        if self._collector is None or self._collector.space is not space:
            self._collector = _FindingCollector(SearchedSpace(self.packed, space, True, orbits), self.how)
        self._collector.add_so_far()
        ways = self._collector.searched.ways
        if not ways:
            return None
        self.way = ways[0]
        return None if self.how.found is None else self.how.found(self.way)


class _FindingCollector:
    """Collects the findings and outcomes of a state space, each finding with a witness."""

    def __init__(self, searched: SearchedSpace, how: StateSearchOptions) -> None:
        self.searched = searched
        self.how = how
        self.packed, self.space = searched.packed, searched.space
        self.judge = EndStateJudge(self.packed)
        self._known: set[FindingKey] = set()
        self._outcomes: set[Any] = set()
        self._ends = self._noticed = 0
        """Terminal states, or parts of them, and violations that were looked at."""

    def add_so_far(self) -> None:
        """Add findings of the initial state, and of transitions and terminal states that are new since the last call."""
        self._add_beginning()
        new = self.packed.violations[self._noticed :]
        self._noticed += len(new)
        self._add_noticed(new)
        self._add_ends()

    def add_all(self) -> None:
        """Add findings of the initial state, transitions, terminal states and nontermination; then the missing outcomes."""
        self._add_beginning()
        self._add_noticed(list(self.packed.violations))
        self._add_ends()
        if self.space.is_closed:
            self._add_endless()
            self._add_missing()

    def add_way(self, way: Witness) -> None:
        """Add a finding of another space of the same program, unless it is known."""
        if self._is_new(way.about):
            self.searched.ways.append(way)

    def _is_new(self, about: FindingKey) -> bool:
        """Count a finding, once; returns whether a witness is still to be kept for it."""
        if about in self._known:
            return False
        self._known.add(about)
        counts = self.searched.counts
        counts[about.kind] = counts.get(about.kind, 0) + 1
        return counts[about.kind] <= MOST_OF_A_KIND

    def _add_beginning(self) -> None:
        """Add each `always` that does not hold in the initial state."""
        for number in self.packed.initial_state.broken:
            about = FindingKey("violated", self.packed.machine.program.expectations.always[number].text)
            if self._is_new(about):
                self._add(about, [])

    def _add_noticed(self, violations: Sequence[Violation]) -> None:
        for noticed in violations:
            about = FindingKey(noticed.kind, noticed.about)
            violation = self._in_space(noticed) if about not in self._known else None
            if violation is None:
                continue
            transitions, last = self._to_noticed(violation)
            if violation.about in self._names():  # of a symmetric transition, the thread may be another replica
                about = FindingKey(violation.kind, self.packed.threads(violation.state)[last.thread].name)
            if self._is_new(about):
                self._add(about, [*transitions, last])

    def _in_space(self, noticed: Violation) -> Violation | None:
        """The violation with a state of this space that has its transition; None where there is none.

        Transitions are computed once for several searches, so its own state may belong to the space of another search.
        """
        here = self.space.first_like(noticed.state, noticed.touched)
        return None if here is None else noticed._replace(state=here)

    def _names(self) -> set[str]:
        """The names of all threads that may exist."""
        firsts = (self.packed.local_states(number)[1:2] for number in range(self.packed.thread_count))
        return {thread.who.name for first in firsts for thread in first if thread is not None}

    def _to_noticed(self, violation: Violation) -> tuple[list[Transition], Transition]:
        """The transitions that lead to a violating transition or a symmetric one, and the transition of that transition."""
        transitions, now = self._to(violation.state)
        orbits = self.searched.orbits
        if now == violation.state or orbits is None:
            return transitions, violation.transition
        wanted = next(
            after for transition, after in self.packed.following(violation.state) if transition == violation.transition
        )
        return transitions, step_to(self.packed, now, orbits.canonical(wanted), orbits)[0]

    def _alike(self, about: FindingKey, end: int) -> FindingKey:
        """The finding of the terminal state `end` that corresponds to the finding `about` of a symmetric state."""
        found = [one for one in self.judge.of(end).findings if one.kind == about.kind]
        return next((one for one in found if one not in self._known), found[0])

    def _to(self, state: int) -> tuple[list[Transition], int]:
        """The transitions that lead to a state or a symmetric one, and the state reached."""
        return transitions_along(self.packed, self.space.path_to(state), self.searched.orbits)

    def _add_ends(self) -> None:
        states, self._ends = self.space.ends_from(self._ends, self.judge.slots)
        self.searched.last_states += len(states)
        for state in states:
            judged = self.judge.of(state)
            if judged.outcome is not None and (found := key(list(judged.outcome))) not in self._outcomes:
                self._outcomes.add(found)
                self.searched.outcomes.append(judged.outcome)
            for about in judged.findings:
                if about not in self._known:
                    transitions, end = self._to(state)
                    meant = about if end == state else self._alike(about, end)
                    if self._is_new(meant):
                        self._add(meant, transitions)

    def _add(self, about: FindingKey, transitions: list[Transition]) -> None:
        self.searched.ways.append(Witness(about, tuple(transitions), goal=goal_of(self.packed, self.judge, about)))

    def _add_endless(self) -> None:
        """Add the findings of sets of states that an execution may never leave, and the faults that stay unobserved there."""
        if not self.space.has_cycles:
            return
        cycles = self._cycles()
        for endless in cycles.find():
            whos = self.packed.threads(endless.states[0])
            for kind, numbers in self._kinds_of(cycles, endless):
                self._add_set(endless, FindingKey(kind, ", ".join(sorted(whos[n].name for n in numbers))))
            if not endless.is_left:
                self._add_swallowed(endless)

    def _cycles(self) -> Nontermination:
        """The analysis of nontermination."""
        if isinstance(self.space, LinkedSpace) or self.how.timed:
            return Nontermination(self.packed, self.space, self.space.taken)
        from scenrun.search.arrays.nontermination import of_levels

        return of_levels(self.packed, self.space)

    def _kinds_of(self, cycles: Nontermination, endless: BottomScc) -> Iterator[tuple[str, frozenset[int]]]:
        """The kinds of finding that a set of states is, each with the numbers of the threads that it is about.

        Threads that are stuck while others loop are in a deadlock; looping threads that must end are in a livelock;
        where only threads loop that need not end, those that may wait for ever meanwhile are in a livelock.
        """
        if endless.stuck:
            yield "deadlock", endless.stuck
        if cycles.must_end(endless):
            yield "livelock", endless.moving
        elif endless.starved:
            yield "livelock", cycles.victims(endless)

    def _add_set(self, endless: BottomScc, about: FindingKey) -> None:
        if self._is_new(about):
            inside = endless.inside
            state = self.space.first_of(endless.states)
            moving = [moved(number) for number in sorted(endless.moving)]
            cycle = tuple(round_of(self.packed, state, inside, moving)) if about.kind == "livelock" else ()
            self.searched.ways.append(Witness(about, tuple(self._to(state)[0]), cycle, goal=inside.__contains__))

    def _add_swallowed(self, endless: BottomScc) -> None:
        """Add the faults of tasks whose result is never retrieved, as the set of states cannot be left."""
        for fault in faults_in(self.packed.unpack(endless.states[0])):
            about = FindingKey(*fault)
            if self._is_new(about):
                inside = endless.inside
                state = self.space.first_of(endless.states)
                self.searched.ways.append(Witness(about, tuple(self._to(state)[0]), goal=inside.__contains__))

    def _add_missing(self) -> None:
        for outcome in missing_outcomes(self.packed.machine.program.expectations, self.searched.outcomes):
            self.searched.missing.append(outcome)
            self._is_new(FindingKey("violated", f"required {outcome_text(outcome)}"))
