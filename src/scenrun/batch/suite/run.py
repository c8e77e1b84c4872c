"""Tests scenarios in processes of their own: searches and simulations side by side, real runs alone, whoever dies is a row."""

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
    """A scenario and the way in which it is to be tested."""

    file: str
    way: str


def cases_of(file: str, ways: Sequence[str], how: SuiteOptions) -> list[Case] | SuiteResult:
    """The ways in which a file is tested; of one that is wrong, what is said of it."""
    try:
        return [Case(file, way) for way in planned(load(file, how), ways)]
    except ScenarioError as error:
        return wrong(file, "-", error)


def tried(case: Case, how: SuiteOptions) -> SuiteResult:
    """What a worker does."""
    try:
        return judged(case.file, load(case.file, how), case.way, how)
    except ScenarioError as error:
        return wrong(case.file, case.way, error)
    except UsageError as error:
        return failed(case.file, case.way, str(error))
    except Exception as error:
        return failed(case.file, case.way, f"scenrun itself failed: {type(error).__name__}: {error}")


class Trying:
    """Tests cases on so many processes. `looking` is called every now and then; what it raises ends the test."""

    def __init__(self, how: SuiteOptions, jobs: int, looking: Callable[[], None]) -> None:
        self.how = how
        self.jobs = jobs
        self.looking = looking

    def results(self, cases: Sequence[Case]) -> Iterator[SuiteResult]:
        """What came of each, in the order in which they end; real runs come last, as others would disturb their timing."""
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
        for case in suspects:  # one of them has ended its process, and those beside it with it
            yield from self._side_by_side([case], 1)


class _Crew:
    """Processes, and the case that each is at."""

    def __init__(self, how: SuiteOptions, jobs: int) -> None:
        self.how = how
        self.jobs = jobs
        self.busy: dict[Future[SuiteResult], Case] = {}
        self._processes: LocalProcesses | None = None

    def fill(self, waiting: deque[Case]) -> None:
        """Give everyone something to do."""
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
        """Who is done, and with what; None where the process has ended."""
        done, _ = wait(self.busy, LOOK_S, FIRST_COMPLETED)
        for future in [one for one in self.busy if one in done]:
            case = self.busy.pop(future)
            try:
                found = future.result()
            except BrokenExecutor:
                yield case, None
                continue
            if found.is_stuck:
                self.end()
            yield case, found

    def end(self) -> None:
        """End the processes; others are made when there is more to do."""
        if self._processes is not None:
            self._processes.kill()
            self._processes = None


def _died(case: Case) -> SuiteResult:
    return failed(case.file, case.way, "the process that tested this ended before it was done")
