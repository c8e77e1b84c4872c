"""Two toy strategies are added at just the places that docs/contributing.md names, and searches, processes and replays know them."""

from __future__ import annotations

from pathlib import Path

import pytest
from additions import Addition

LOST = """
state: {n: 0, seen_by_a: 0, seen_by_b: 0}
threads:
  a: {do: [{set: {seen_by_a: n}}, {set: {n: seen_by_a + 1}}]}
  b: {do: [{set: {seen_by_b: n}}, {set: {n: seen_by_b + 1}}]}
expect: {final: [n == 2]}
"""
LOCKED = """
sync: {guard: lock}
state: {n: 0}
threads:
  a: {do: [{with: guard, do: [{set: {n: n + 1}}]}]}
  b: {do: [{with: guard, do: [{set: {n: n + 1}}]}]}
expect: {final: [n == 2]}
"""
ALTERNATING = '''"""Alternation: whoever moved longest ago moves next; the seed says which thread is first."""

from __future__ import annotations

from collections.abc import Sequence

from scenrun.search.strategies.executions import Executions
from scenrun.search.strategies.known_states import KnownStates
from scenrun.search.strategies.policy import Policy

Moves = Sequence[tuple[int, Sequence[int]]]


class Alternating(Policy[Moves]):
    """A policy that switches at each step."""

    def known(self, executions: Executions) -> KnownStates[Moves]:
        """The enabled threads of each state."""
        return KnownStates(executions.moves)

    def walk(self, known: KnownStates[Moves], state: int, seed: int, limit: int) -> tuple[int, int]:
        """One schedule."""
        latest: dict[int, int] = {}
        for steps in range(limit):
            moves = known[state]
            if not moves:
                return state, steps
            thread, afters = min(moves, key=lambda move: (latest.get(move[0], -1), (move[0] + seed) % 3))
            latest[thread] = steps
            state = afters[0]
        return state, limit
'''
EVERY = '''"""Every schedule, each from its beginning, without a bound or a reduction."""

from __future__ import annotations

from collections.abc import Iterator

from scenrun.search.space.state_space import Overflow
from scenrun.search.strategies.exhaustive import Ending, Exhaustive


class Every(Exhaustive):
    """The plainest of all searches."""

    def schedules(self) -> Iterator[Ending]:
        """All of them, in the order of the steps' numbers."""
        self.taken: list[list[int]] = []
        while True:
            try:
                self._follow_again()
            except Overflow:
                self._after_overflow(self._follow_again)
            yield Ending.END
            while self.taken and self.taken[-1][0] + 1 == self.taken[-1][1]:
                self.taken.pop()
            if not self.taken:
                return
            self.taken[-1][0] += 1

    def _follow_again(self) -> None:
        self.path = [self.initial]
        while afters := self.executions.successors(self.path[-1]):
            if len(self.taken) < len(self.path):
                self.taken.append([0, len(afters)])
            self.path.append(afters[self.taken[len(self.path) - 1][0]])

    def states(self) -> list[int]:
        """The states of the schedule."""
        return list(self.path)

    @property
    def left_out(self) -> str | None:
        """Nothing is."""
        return None
'''


@pytest.fixture(scope="module")
def strategies(tmp_path_factory: pytest.TempPathFactory) -> Addition:
    """The package with `alternating` and `every`."""
    added = Addition(tmp_path_factory.mktemp("strategies"))
    added.make("search/strategies/alternating.py", ALTERNATING)
    added.make("search/strategies/every.py", EVERY)
    registry = "search/strategies/registry.py"
    imported = "from scenrun.search.strategies.bounded import DelayBounded"
    added.before(registry, imported, "from scenrun.search.strategies.alternating import Alternating\n")
    imported = "from scenrun.search.strategies.executions import Executions\n"
    added.before(registry, imported, "from scenrun.search.strategies.every import Every\n")
    added.before(registry, '    "pct": lambda', '    "alternating": lambda depth, seed, max_steps: Alternating(),\n')
    line = '    "every": lambda executions, max_steps, bound: Every(executions, max_steps),\n'
    added.before(registry, '    "preemptions": Preemption', line)
    added.replace("search/options.py", '"pos", "surw")', '"pos", "surw", "alternating")')
    added.replace("search/options.py", '*BOUNDED, "dpor")', '*BOUNDED, "dpor", "every")')
    return added


def test_a_strategy_is_added_at_the_places_that_the_page_names(strategies: Addition) -> None:
    """Three files each: itself, its line, its name."""
    assert strategies.strays("Adding a strategy") == set()
    assert len(strategies.touched) == 4


@pytest.mark.parametrize("name", ["alternating", "every"])
def test_a_strategy_that_is_added_finds_what_it_should(strategies: Addition, tmp_path: Path, name: str) -> None:
    """A lost update, which is replayed; the options of others are refused, and the help names it."""
    bad, schedule = strategies.scenario("lost", LOST), tmp_path / "schedule.json"
    found = strategies.verdict(bad, status=1, strategy=Path(name), save=schedule)
    assert (found["verdict"], found["strategy"]) == ("violated", name)
    assert strategies.is_shown_again(schedule, "n == 2")
    assert "depth" in strategies.said("explore", bad, "--strategy", name, "--depth", "2", status=2)
    assert name in strategies.said("explore", "--help")


def test_a_strategy_that_enumerates_is_exact(strategies: Addition) -> None:
    """It proves that a lock helps, with as many schedules as there are; one that draws proves nothing."""
    good = strategies.scenario("locked", LOCKED)
    found = strategies.verdict(good, strategy=Path("every"))
    assert (found["verdict"], found["closed"]) == ("holds", True)
    drawn = strategies.said("explore", good, "--strategy", "alternating", "--schedules", "50", "--jobs", "2", status=3)
    assert "incomplete" in drawn
