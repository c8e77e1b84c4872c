"""`check`: whether the methods of a class may be called by several threads at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from scenrun.errors import UsageError
from scenrun.language.suggestions import did_you_mean
from scenrun.language.time_limit import time_limit_ns
from scenrun.own_code.checking.arguments import invariant_of
from scenrun.own_code.checking.judging import Judge, Judged, finding_in
from scenrun.own_code.checking.probing import Probed, in_order, probed
from scenrun.own_code.checking.programs import MOST, PAIRS, SHAPES, Plan, Planned
from scenrun.own_code.checking.result import Checked, Failing, Shape
from scenrun.own_code.checking.shrinking import shrunk, with_few_finals
from scenrun.own_code.checking.stress import maker, stressed
from scenrun.own_code.checking.subject import LeftOut, Subject, maker_of
from scenrun.own_code.histories.comparable import Numbers, Raised, comparable, shown
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.running import control
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.searching.alone import Came, Unclear
from scenrun.own_code.searching.body import Different
from scenrun.own_code.searching.call_executions import CallProgram
from scenrun.own_code.searching.modules import Named
from scenrun.own_code.searching.output import silent
from scenrun.program.findings import LINEARIZABLE
from scenrun.search.properties.linearizability import BLOCKS

ROUNDS = 200
"""How often a program runs on real threads."""
CLOCK = "it looks at the clock, which is another one for real threads"
REAL_THREADS = "real threads that nobody controls prove nothing"
TIME = "30s"
A_FEW = 12
"""Schedules of each pair that are walked before all of any."""
SCHEDULES = 3_000
"""Schedules of one program at most."""
MOST_OPERATIONS = 24
"""Calls that are checked, if none are given."""


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What is checked, and how."""

    what: str
    """`package.module:Class`."""
    make: str | None = None
    """`package.module:function`: makes the object, without arguments; None: the class does, with arguments that are guessed."""
    operations: tuple[str, ...] = ()
    """The calls, as `put(key: 0..2, value: 1)`; none: public methods, with arguments that are guessed."""
    setup: tuple[str, ...] = ()
    """Calls that are made before there are threads; none: each program is searched with an object as it is made, and with one
    that a call has filled."""
    spec: str | None = None
    """`package.module:Class` of another class with the same methods, which says what is right; None: the class itself does."""
    time_limit: str | float | None = TIME
    seed: int = 0
    trace: tuple[str, ...] = ()
    stress: bool = False
    """Whether the programs run on real threads that nobody controls, instead of being searched: that proves nothing."""
    invariants: tuple[str, ...] = ()
    """Expressions of the object, which they call `o`, that are to hold whenever somebody looks: `len(o) <= 2`."""
    expect_races: tuple[str, ...] = ()
    """Methods that are not to be called beside others, by design: where they fail, that is as it should be."""
    most: int = MOST
    """Programs of more than a call in each thread, at most, of each shape."""

    @property
    def seconds(self) -> float | None:
        """The time that there is; raises UsageError."""
        limit = time_limit_ns(self.time_limit)
        return None if limit is None else limit / 1e9


Tell = Callable[[str], None]


def check_class(
    request: CheckRequest,
    tell: Tell = lambda text: None,
    stopped: Callable[[], str | None] = lambda: None,
    first: Callable[[Failing], None] = lambda one: None,
) -> Checked:
    """Check a class; raises UsageError for what cannot be checked.

    - tell: called now and then with how far it is.
    - stopped: called now and then; a reason that it returns ends the check, with what was found until then.
    - first: called with the first program that fails, before the check goes on.
    """
    if control.current is not None:
        raise UsageError("this is searched already: a check cannot be made in what is searched")
    seconds = request.seconds
    if request.most < 1:
        raise UsageError(f"at least 1 program of each shape is searched, not {request.most}")
    return _Check(request, seconds, tell, stopped, first).run()


def subject_of(request: CheckRequest) -> Subject:
    """What is checked; raises UsageError."""
    make = None if request.make is None else Named.of(request.make, "--make")
    return Subject(Named.of(request.what, "a class"), make, request.trace)


class _Check:
    """One check."""

    def __init__(
        self,
        request: CheckRequest,
        seconds: float | None,
        tell: Tell,
        stopped: Callable[[], str | None],
        first: Callable[[Failing], None],
    ) -> None:
        self.request = request
        self.tell = tell
        self.stopped = stopped
        self.first = first
        self.began = time.perf_counter()
        self.until = None if seconds is None else self.began + seconds
        with silent():
            self.subject = subject_of(request)
        spec = None if request.spec is None else Named.of(request.spec, "--spec")
        self.judge = Judge(self.subject, request.seed, None if spec is None else maker_of(spec, self.subject))
        self.failing: list[Failing] = []
        self.is_told = False
        """Whether one was told of."""
        self.pairs: list[frozenset[Operation]] = []
        """Calls that fail beside each other."""
        self.known: dict[CallProgram, Judged] = {}
        """Programs that are proved, and not counted so far."""
        self.shapes: list[Shape] = []
        self.schedules = 0

    def run(self) -> Checked:
        """The result."""
        given, setup = self.subject.given(self.request.operations), tuple(self.subject.given(self.request.setup))
        found, left_out = (given, []) if given else self.subject.operations()
        looks = tuple(map(invariant_of, self.request.invariants))
        found = [*found, *looks]
        for name in self.request.expect_races:
            if all(name != one.name for one in found):
                names = list(dict.fromkeys(one.name for one in found))
                raise UsageError(f"--expect-race: no call of `{name}` is checked{did_you_mean(name, names)}")
        self.tell(f"{len(found)} calls of {self.subject.what.name}, each tried alone")
        with silent():
            known = self._probed(found, setup, left_out)
            self._compare_with_invariants(known, looks, setup)
        setups = [setup] if setup or known.filling is None else [(), (known.filling,)]
        plan = Plan(known, tuple(setups), self.request.seed, self.request.most)
        if self.request.spec is not None:
            with silent():
                self._compare_alone(known, plan)
        for shape in SHAPES:
            if not self._is_over():
                self._search(plan.of_shape(shape, self.pairs))
        return Checked(
            str(self.subject.what), self.subject.made_by, known, tuple(left_out), tuple(map(tuple, setups)),
            tuple([one for one in self.failing if not one.has_any(self.request.expect_races)]),
            tuple(self.shapes), self.schedules, self.request.seed, time.perf_counter() - self.began, self._is_over(),
            tuple(sorted(map(str, self.judge.by_type))), tuple(sorted(self.subject.loader.uncontrolled)), self._expected(),
        )  # fmt: skip

    def _expected(self) -> tuple[tuple[str, bool], ...]:
        """The methods that are expected to fail, each with whether they did."""
        return tuple([(name, any(one.has_any([name]) for one in self.failing)) for name in self.request.expect_races])

    def _probed(self, found: Sequence[Operation], setup: tuple[Operation, ...], left_out: list[LeftOut]) -> Probed:
        try:
            alone = self.judge.alone(CallProgram((), setup), own=True)
            known = probed(alone, found)
        except (Unclear, Uncontrolled, Different) as error:
            raise UsageError(f"an object of {self.subject.what} cannot be made under control: {error}") from None
        self.judge.by_type |= alone.changed
        left_out += known.left_out
        if len(known.kept) > MOST_OPERATIONS and not self.request.operations:
            looks = [one for one in known.kept if one.is_expression]
            calls = [one for one in known.kept if not one.is_expression]
            beyond = calls[MOST_OPERATIONS:]
            left_out.append(
                LeftOut(", ".join(map(str, beyond)), f"more than {MOST_OPERATIONS} calls; choose some with --op")
            )
            known = probed(alone, [*calls[:MOST_OPERATIONS], *looks])
        if not known.kept:
            why = "".join(f"\n  {one}" for one in left_out)
            raise UsageError(f"{self.subject.what} has no method that can be checked{why}")
        return known

    def _compare_with_invariants(self, known: Probed, looks: Sequence[Operation], setup: tuple[Operation, ...]) -> None:
        """Raises UsageError where an invariant does not hold with one thread either."""
        alone = self.judge.alone(CallProgram((), setup), own=True)
        calls = [one for one in known.kept if not one.is_expression]
        for look in looks:
            if look not in known.kept:
                why = next(
                    (one.why for one in known.left_out if one.name.startswith(str(look))), "it cannot be evaluated"
                )
                raise UsageError(f"--invariant `{look}`: {why}")
            for order in [(), *((one,) for one in calls), *((a, b) for a in calls for b in calls)]:
                came = alone.came_of(in_order(*order, look))
                wrong = [one.results[-1] for one in came if len(one.results) == len(order) + 1]
                after = f"after {'; '.join(map(str, order))}" if order else "of a new object"
                for result in wrong:
                    if isinstance(result, Raised):
                        raise UsageError(
                            f"--invariant `{look}` raises {result} where one thread uses it alone, {after}"
                        )
                    if result != comparable(True, Numbers()):
                        raise UsageError(f"--invariant `{look}` does not hold where one thread uses it alone, {after}")

    def _compare_alone(self, known: Probed, plan: Plan) -> None:
        """Raises UsageError where the specification is another thing than the class, also with one thread."""
        for setup in plan.setups:
            program = CallProgram((), setup)
            own, spec = self.judge.alone(program, own=True), self.judge.alone(program)
            for order in [(), *((one,) for one in known.kept), *((a, b) for a in known.kept for b in known.kept)]:
                try:
                    mine, theirs = own.came_of(in_order(*order)), spec.came_of(in_order(*order))
                except (Unclear, Uncontrolled, Different) as error:
                    raise UsageError(f"--spec `{self.request.spec}` cannot be run: {error}") from None
                if mine != theirs:
                    raise UsageError(different_alone(self.request.spec, order, mine, theirs))

    # --- the search

    def _is_over(self) -> bool:
        return self.stopped() is not None or (self.until is not None and time.perf_counter() > self.until)

    def _search(self, planned: Planned) -> None:
        proved = searched = expected = 0
        open_: dict[str, int] = {}
        if planned.shape == PAIRS and not self.request.stress:
            self._hunt(planned)
        for program in planned.programs:
            if self._is_over():
                break
            if planned.shape == PAIRS and self._is_known(program):
                searched += 1
                expected += any(call.name in self.request.expect_races for one in program.threads for call in one)
                continue
            judged = self.known.pop(program, None) or self._judged(program)
            if judged.finding is None and judged.open is not None and self._is_over():
                break
            searched += 1
            proved += judged.is_proved
            if judged.finding is not None:
                self._fail(planned, judged)
                expected += any(call.name in self.request.expect_races for one in program.threads for call in one)
            elif judged.open is not None:
                open_[judged.open] = open_.get(judged.open, 0) + 1
            self.tell(
                f"{_times(planned.shape)} calls: {searched} of {len(planned.programs)} programs, "
                f"{self.schedules:,} schedules, {len(self.failing)} failing"
            )
        self.shapes.append(Shape(planned.shape, searched, proved, planned.of, tuple(open_.items()), expected))

    def _hunt(self, planned: Planned) -> None:
        """A few schedules of each program, up to the first one that fails: what goes wrong mostly does so soon."""
        for program in planned.programs:
            if self._is_over() or self.failing:
                return
            with silent():
                judged = self._searched(program, A_FEW)
            if judged.finding is not None:
                self._fail(planned, judged)
            if judged.is_proved:
                self.known[program] = judged

    def _is_known(self, program: CallProgram) -> bool:
        """Whether the two calls of a program failed already with another setup."""
        return frozenset((program.threads[0][0], program.threads[1][0])) in self.pairs

    def _stressed(self, program: CallProgram) -> Judged:
        """What a program shows on real threads."""
        make = maker(self.subject.make_by, self.subject.arguments)
        found = stressed(make, program, ROUNDS, tuple(self.judge.by_type), stop=self._is_over)
        self.schedules += found.rounds
        alone = self.judge.alone(program)
        for history in found.histories:
            about = finding_in(history, alone)
            if alone.looks_at_clock:
                return Judged(program, None, None, found.rounds, CLOCK)
            if about is not None:
                return Judged(program, about, history if about.about == LINEARIZABLE else None, found.rounds, None)
        return Judged(program, None, None, found.rounds, REAL_THREADS)

    def _judged(self, program: CallProgram) -> Judged:
        with silent():
            return self._stressed(program) if self.request.stress else self._searched(program)

    def _searched(self, program: CallProgram, schedules: int = SCHEDULES) -> Judged:
        """What a search of a program shows, up to so many schedules."""
        left = None if self.until is None else max(0.1, self.until - time.perf_counter())
        try:
            judged = self.judge.judge(program, schedules, left, self.stopped)
        except (Uncontrolled, Different, Unclear) as error:
            return Judged(program, None, None, 0, str(error))
        self.schedules += judged.schedules
        return judged

    def _fail(self, planned: Planned, judged: Judged) -> None:
        if not self.request.stress:
            judged = judged if planned.shape == PAIRS else shrunk(judged, self._judged)
            judged = judged if self.is_told else with_few_finals(judged, self._judged)  # the first one is told
        threads = judged.program.threads
        if [len(one) for one in threads] == [1, 1]:
            self.pairs.append(frozenset((threads[0][0], threads[1][0])))
        else:  # the same calls need not fail again and again
            self.pairs += [frozenset((a, b)) for a in threads[0] for b in threads[1]]
        if all(one.program != judged.program for one in self.failing):
            with silent():
                self.failing.append(Failing.of(judged, self.judge.alone(judged.program)))
            if not self.failing[-1].has_any(self.request.expect_races) and not self.is_told:
                self.is_told = True
                self.first(self.failing[-1])


def different_alone(spec: str | None, order: Sequence[Operation], mine: Iterable[Came], theirs: Iterable[Came]) -> str:
    """That a specification is another thing than the class."""
    calls = "; ".join(map(str, order)) or "a new object"
    return (
        f"--spec `{spec}` is something else than the class, also where one thread uses them: `{calls}` comes to {_came(mine)} "
        f"in the class, and to {_came(theirs)} in the specification"
    )


def _came(some: Iterable[Came]) -> str:
    """What calls come to, in words: the results, and what is left."""

    def told(result: Any) -> str:
        return "waiting for ever" if result is BLOCKS else shown(result)

    ways = []
    for one in some:
        left = one.final if isinstance(one.final, tuple) else ()
        afterwards = f", and afterwards {', '.join(map(told, left))}" if left else ""
        ways.append(f"{', '.join(map(told, one.results)) or 'nothing'}{afterwards}")
    return " or ".join(sorted(ways))


def _times(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape))
