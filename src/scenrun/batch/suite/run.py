"""Runs scenario tests in worker processes: searches and simulations in parallel, real runs alone; a crash becomes a result."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from dataclasses import dataclass

from scenrun.batch.suite.verdict import SuiteOptions, SuiteResult, failed, judged, load, planned, wrong
from scenrun.batch.sweep.workers import LOOK_S, LocalProcesses
from scenrun.errors import ScenarioError, UsageError


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario and the way of testing it."""

    file: str
    way: str


def cases_of(file: str, ways: Sequence[str], how: SuiteOptions) -> list[Case] | SuiteResult:
    """The cases of a file, or for an invalid file its result."""
    try:
        return [Case(file, way) for way in planned(load(file, how), ways)]
    except ScenarioError as error:
        return wrong(file, "-", error)


def tried(case: Case, how: SuiteOptions) -> SuiteResult:
    """Tests a case in a worker process."""
    try:
        return judged(case.file, load(case.file, how), case.way, how)
    except ScenarioError as error:
        return wrong(case.file, case.way, error)
    except UsageError as error:
        return failed(case.file, case.way, str(error))
    except Exception as error:
        return failed(case.file, case.way, f"scenrun itself failed: {type(error).__name__}: {error}")


class Trying:
    """Tests cases on `jobs` processes. `looking` is called several times a second; what it raises ends the test."""

    def __init__(self, how: SuiteOptions, jobs: int, looking: Callable[[], None]) -> None:
        self.how = how
        self.jobs = jobs
        self.looking = looking

    def results(self, cases: Sequence[Case]) -> Iterator[SuiteResult]:
        """The results in the order in which cases end; real runs come last, as others would disturb their timing."""
        yield from self._side_by_side([case for case in cases if case.way != "run"], self.jobs)
        yield from self._side_by_side([case for case in cases if case.way == "run"], 1)

    def _side_by_side(self, cases: list[Case], jobs: int) -> Iterator[SuiteResult]:
        waiting, suspects = deque(cases), list[Case]()
        crew = _Crew(self.how, min(jobs, len(cases)))
        try:
            while waiting or crew.busy:
                crew.fill(waiting)
                for case, found in crew.heard():
                    if found is not None:
                        yield found
                    elif jobs == 1:
                        yield _died(case)
                    else:
                        suspects.append(case)
                self.looking()
        finally:
            crew.end()
        for case in suspects:  # a dead process breaks the whole pool: only alone is it clear which case kills it
            yield from self._side_by_side([case], 1)


class _Crew:
    """The worker processes, and the case of each."""

    def __init__(self, how: SuiteOptions, jobs: int) -> None:
        self.how = how
        self.jobs = jobs
        self.busy: dict[Future[SuiteResult], Case] = {}
        self._processes: LocalProcesses | None = None

    def fill(self, waiting: deque[Case]) -> None:
        """Submits waiting cases to idle processes."""
        while waiting and len(self.busy) < self.jobs:
            if self._processes is None:
                self._processes = LocalProcesses(self.jobs)
            try:
                future = self._processes.submit(tried, waiting[0], self.how)
            except BrokenExecutor:
                if self.busy:
                    return
                self.end()
                continue
            self.busy[future] = waiting.popleft()

    def heard(self) -> Iterator[tuple[Case, SuiteResult | None]]:
        """The finished cases with their results; None if the process died."""
        done, _ = wait(self.busy, LOOK_S, FIRST_COMPLETED)
        for future in [one for one in self.busy if one in done]:
            case = self.busy.pop(future)
            try:
                found = future.result()
            except BrokenExecutor:
                yield case, None
                continue
            # Threads that are left over would disturb the next case in this process.
            if found.is_stuck:
                self.end()
            yield case, found

    def end(self) -> None:
        """Kills the processes; `fill` makes new ones."""
        if self._processes is not None:
            self._processes.kill()
            self._processes = None


def _died(case: Case) -> SuiteResult:
    return failed(case.file, case.way, "the process that tested this ended before it was done")
