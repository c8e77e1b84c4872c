"""Runs scenario tests in worker processes: searches and simulations in parallel, real runs alone; a crash becomes a result."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from scenrun.batch.suite.verdict import SuiteOptions, SuiteResult, failed, judged, load, planned, wrong
from scenrun.errors import ScenarioError, UsageError
from scenrun.workers.pool import Last, Processes


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
        return failed(case.file, how.again(case.way, case.file), str(error))
    except Exception as error:
        return failed(
            case.file, how.again(case.way, case.file), f"scenrun itself failed: {type(error).__name__}: {error}"
        )


class Tester:
    """Tests cases in a worker process."""

    def __init__(self, how: SuiteOptions) -> None:
        self.how = how

    def __call__(self, case: Case) -> SuiteResult | Last[SuiteResult]:
        """The result of a case; the last one of the process, if threads are left over that would disturb the next."""
        found = tried(case, self.how)
        return Last(found) if found.is_stuck else found


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

    def _side_by_side(self, cases: Sequence[Case], jobs: int) -> Iterator[SuiteResult]:
        waiting, suspects = iter(cases), list[Case]()
        is_alone = jobs == len(cases) == 1
        pool: Processes[Case, SuiteResult] = Processes(partial(Tester, self.how), jobs)
        with pool:
            for done in pool.results(lambda: next(waiting, None)):
                if done is None:
                    self.looking()
                elif done.result is not None:
                    yield done.result
                elif is_alone:
                    again = self.how.again(done.job.way, done.job.file)
                    yield failed(done.job.file, again, "the process that tested this ended before it was done")
                else:
                    suspects.append(done.job)
        for case in suspects:  # what took all memory may have been another one: it is to blame if it dies alone, too
            yield from self._side_by_side([case], 1)
