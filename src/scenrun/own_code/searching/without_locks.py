"""Which lock matters: a scenario is searched again with each of its locks made to do nothing.

A lock of the model becomes a semaphore that never runs out, to take it, and to give it back, are steps that hold nobody up.
A lock of code does nothing from where it is made. A lock without which the search finds something is needed; one without which
it proves the same is not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scenrun.errors import ScenarioError, UsageError
from scenrun.language.primitives import Condition, Lock, RLock, Semaphore
from scenrun.own_code.searching.explore_scenario import CodeOptions, explore_any, searched_places
from scenrun.program.compiler.compiler import compile_scenario
from scenrun.program.loaded import Loaded
from scenrun.search.options import SearchOptions
from scenrun.search.result import Explored

PERMITS = 1_000_000
"""More than there are threads."""
NEEDED, NOT_NEEDED, NOT_SHOWN = "needed", "not needed", "not shown"


@dataclass(frozen=True, slots=True)
class Answer:
    """What one lock is for."""

    lock: str
    """Its name, or the line that makes it."""
    verdict: str
    """`needed`, `not needed`, or `not shown`."""
    why: str
    explored: Explored | None = None
    """The search without it."""

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        story = None if self.explored is None else self.explored.as_dict()
        return {"lock": self.lock, "verdict": self.verdict, "why": self.why, "explored": story}


@dataclass(frozen=True, slots=True)
class WithoutLocks:
    """What all locks are for."""

    whole: Explored
    """The search with all of them."""
    answers: tuple[Answer, ...]

    def __str__(self) -> str:
        width = max((len(one.lock) for one in self.answers), default=0)
        lines = [f"  {one.lock.ljust(width)}  {one.verdict}: {one.why}" for one in self.answers]
        return "\n".join([f"{self.whole.scenario}: {self.whole.verdict} with all of its locks", *lines])


def without_locks(loaded: Loaded, seed: int | None, how: SearchOptions, code: CodeOptions) -> WithoutLocks:
    """Search a scenario, and again without each of its locks. Raises UsageError where it has none, or does not hold with all."""
    places: dict[tuple[str, int], str] = {}
    whole = (
        explore_any(loaded, seed, how, code)
        if not loaded.program.objects
        else searched_places(loaded, seed, how, code, places)
    )
    if whole.verdict != "holds":
        raise UsageError(
            f"{loaded.name} is `{whole.verdict}` with all of its locks; which of them matter is asked of one that holds"
        )
    answers = [*_of_model(loaded, seed, how, code), *_of_code(loaded, seed, how, code, places)]
    if not answers:
        raise UsageError(f"{loaded.name} has no lock")
    return WithoutLocks(whole, tuple(answers))


def _of_model(loaded: Loaded, seed: int | None, how: SearchOptions, code: CodeOptions) -> Iterable[Answer]:
    sync = loaded.scenario.sync
    of_conditions = {
        one.lock: name for name, one in sync.items() if isinstance(one, Condition) and one.lock is not None
    }
    for name, one in sync.items():
        if not isinstance(one, Lock | RLock):
            continue
        if name in of_conditions:
            yield Answer(name, NOT_SHOWN, f"the condition `{of_conditions[name]}` waits under it, and needs one")
            continue
        if isinstance(one, Lock) and one.initially == "locked":
            yield Answer(name, NOT_SHOWN, "it begins held, as a signal from one thread to another")
            continue
        try:
            yield _answer(name, explore_any(_open(loaded, name, one.count), seed, how, code))
        except ScenarioError as error:
            yield Answer(name, NOT_SHOWN, error.problems[0].message)


def _open(loaded: Loaded, name: str, count: int | None) -> Loaded:
    """The same scenario with a lock that holds up nobody."""
    given = Semaphore(value=PERMITS, count=count)
    scenario = loaded.scenario.model_copy(update={"sync": {**loaded.scenario.sync, name: given}})
    problems: list[Any] = []
    program = compile_scenario(scenario, problems, loaded.program.overrides)
    return Loaded(scenario, program)


def _of_code(
    loaded: Loaded, seed: int | None, how: SearchOptions, code: CodeOptions, places: dict[tuple[str, int], str]
) -> Iterable[Answer]:
    for place in sorted(places):
        file, line = place
        found = searched_places(loaded, seed, how, code, {}, frozenset((place,)))
        yield _answer(f"{Path(file).name}:{line}", found)


def _answer(lock: str, found: Explored) -> Answer:
    if found.counterexamples:
        first = found.counterexamples[0]
        return Answer(lock, NEEDED, f"{found.verdict}: {first.sentence}", found)
    if found.verdict == "holds":
        return Answer(lock, NOT_NEEDED, "holds without it", found)
    return Answer(lock, NOT_SHOWN, f"{found.verdict}: {found.bound}", found)
