"""The Python functions `load`, `run`, `simulate`, `explore` and `replay`, and the helpers that they share.

They install no signal handler, write nothing to stdout and change no global state.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from scenrun.errors import UsageError
from scenrun.language.time_limit import time_limit_ns
from scenrun.program.loaded import Loaded, load
from scenrun.program.results import RunRecord
from scenrun.program.user_python import check_calls
from scenrun.report.results import RunResult
from scenrun.trace.events import LEVELS

if TYPE_CHECKING:
    from scenrun.execution.log_output import Lines
    from scenrun.execution.replay.plan import ReplayPlan
    from scenrun.execution.simulator.options import SimulationOptions
    from scenrun.model.move_schedule import MoveSchedule
    from scenrun.own_code.searching.explore_scenario import CodeOptions
    from scenrun.search.options import SearchRequest
    from scenrun.search.result import Explored
    from scenrun.trace.recorder import Recorder


def run(
    scenario: str | Path | Mapping[str, Any] | Loaded,
    *,
    seed: int | None = None,
    level: str | None = None,
    log: str | Path | Callable[[dict[str, Any]], object] | None = None,
    keep: bool = False,
    time_limit: str | float | None = None,
    overrides: Mapping[str, Any] | None = None,
    allow_python: bool = False,
) -> RunResult:
    """Run a scenario on real threads; returns its result when all of them have ended or were freed.

    - scenario: the path of a file, a mapping, or what `load` returns.
    - seed: the seed of all pseudo-random draws; by default the file's.
    - level: the lowest level that is logged, `debug`, `info`, `warning`, `error` or `critical`; by default `info`, and
      `debug` with `keep`.
    - log: the path of a file for JSON lines, or a function that is called with each event (on the calling thread); by
      default none.
    - keep: whether the result keeps the events as its `lines`, from which it can draw its timeline; by default not.
    - time_limit: the longest wall time, in seconds or as a duration such as `5s`; past it the verdict is `incomplete`. By
      default the file's limit.
    - overrides: values by dotted path, as for `load`; not with a loaded scenario.
    - allow_python: whether the scenario may use the author's Python, its `call` steps and `objects`; by default not.

    Raises ScenarioError where the file is wrong, UsageError where an argument is wrong, and OutputError where the log
    cannot be written.
    """
    from scenrun.execution.threads.run_program import run_program

    level = _level(level, keep)
    loaded = _loaded(scenario, level, overrides, allow_python)
    limit = time_limit_ns(time_limit)
    with _output(log, keep) as lines:
        result = run_program(
            loaded.program,
            lambda run_id: lines.recorder(run_id, level, loaded.program),
            seed=seed,
            level=level,
            time_limit_ns=limit,
        )
    return RunResult.of(lines.kept_with(result))


def simulate(
    scenario: str | Path | Mapping[str, Any] | Loaded, *, seed: int | None = None, level: str | None = None,
    log: str | Path | Callable[[dict[str, Any]], object] | None = None, keep: bool = False,
    time_limit: str | float | None = None, overrides: Mapping[str, Any] | None = None, allow_python: bool = False,
    scheduler: str = "round-robin", priorities: Mapping[str, int] | None = None,
    switch_interval: str | float | None = None, cpus: int = 1, step_cost: str | float | None = None,
    costs: str | Path | None = None, epoch_ns: int = 0, schedule: str | Path | None = None,
    save_schedule: str | Path | None = None,
) -> RunResult:  # fmt: skip
    """Simulate a scenario in virtual time; returns its result, which is the same for the same seed.

    - scenario, seed, level, log, keep, overrides, allow_python: as for `run`.
    - time_limit: as for `run`, but of virtual time.
    - scheduler: `round-robin` (the default; in time slices), `random` (a thread is drawn before each step) or `priorities`
      (the thread of the highest priority runs first).
    - priorities: a number for each thread or group by name; only with the scheduler `priorities`, which needs them.
    - switch_interval: the time slice of `round-robin`, in seconds or as a duration; by default 5 ms.
    - cpus: the number of steps that may run at the same time; by default 1, as with the GIL.
    - step_cost: the virtual time of a step for which neither the file's `costs` nor `costs` has a value, in seconds or as a
      duration such as `2us`; by default 1 us.
    - costs: the path of a file of costs such as `scenrun calibrate` writes; by default none.
    - epoch_ns: the start of the virtual clock, in nanoseconds since 1970; by default 0.
    - schedule: the path of a file that `save_schedule` wrote, whose order of threads is followed; it has its own seed, so
      `seed` is refused with it. By default none.
    - save_schedule: the path that the order of threads is written to; by default none. `cpus` must be 1 with either.

    Raises ScenarioError, UsageError and OutputError, as `run`.
    """
    level = _level(level, keep)
    loaded = _loaded(scenario, level, overrides, allow_python)
    options = _simulation_options(
        scheduler=scheduler, priorities=priorities, switch_interval=switch_interval, cpus=cpus, step_cost=step_cost,
        costs=costs, epoch_ns=epoch_ns, schedule=schedule, record=save_schedule is not None,
    )  # fmt: skip
    if schedule is not None and seed is not None:
        raise UsageError("a schedule has its own seed; leave `seed` out")
    with _output(log, keep) as lines:
        result = _simulated(loaded, options, lines, level, seed=seed, time_limit=time_limit)
    if save_schedule is not None:
        options.schedule_of(loaded.program, result).save(save_schedule)
    return RunResult.of(lines.kept_with(result))


def explore(
    scenario: str | Path | Mapping[str, Any] | Loaded, *, strategy: str | None = None, seed: int | None = None,
    max_states: int | None = None, memory_bytes: int | None = None, time_limit: str | float | None = None,
    schedules: int | None = None, jobs: int | None = None, cluster: str | None = None, depth: int | None = None,
    bound: int | None = None, time: str | None = None, races: bool = False, count: bool = False,
    reduction: str | None = None, symmetry: bool | None = None, shorten: bool = True,
    first: bool = False, overrides: Mapping[str, Any] | None = None, allow_python: bool = False,
    trace: Iterable[str] = (), build: str | None = None,
) -> Explored:  # fmt: skip
    """Search the schedules of a scenario: finds every bug, or proves that there is none.

    - scenario, overrides, allow_python: as for `run`. A scenario with `objects` is searched with their code, by a strategy that
      walks schedules (docs/own_code.md).
    - strategy: `states` (all of them, breadth first), or one that walks schedules: `random`, `pct`, `pos`, `surw`,
      `preemptions`, `delays` or `dpor` (docs/strategies.md). None, the default, is `states`, followed by random schedules
      and PCT where the states are too many.
    - seed: the seed of the draws of the scenario and of the strategy; by default the file's.
    - max_states, memory_bytes, time_limit: limits of the search, past which the result is `incomplete` if nothing was
      found: the number of states (None: 50,000,000), the bytes that this process may have in all (None: 2 GB more than it
      has), and the time in seconds or as a duration such as `10s` (None: no limit).
    - schedules: the number of schedules to walk; None: 10,000 of a strategy that has no `time_limit` either, and up to
      5,000 each of the random schedules and PCT that follow `states`.
    - jobs: the number of processes that walk schedules; None: 1.
    - cluster: the address of a Dask scheduler, such as `tcp://host:8786`, whose workers walk schedules (docs/cluster.md).
    - depth: the depth of the bugs that PCT looks for; None: 3.
    - bound: the most preemptions or delays, of the strategies `preemptions` and `delays`; None: no bound.
    - time: `free` (None: any sleep may take any time, and any timeout of a blocked thread may fire) or `virtual` (sleeps
      and timeouts end in the clock's order).
    - races: whether a data race is a finding even where the file does not ask for it; by default not.
    - count: whether all schedules are counted; by default not.
    - reduction: whether equivalent orders of independent steps are left out: `on`, `off` or `auto` (None: where there are
      many states).
    - symmetry: whether replicas that are alike are interchangeable in a reduced search; None: they are.
    - shorten, first: whether counterexamples are made as short as possible; whether the search ends at its first finding.
    - trace, build: as for `explore_code`; for scenarios with `objects`.

    Raises ScenarioError and UsageError, as `run`, and OutputError where the Dask scheduler or all its workers are gone.
    """
    from scenrun.own_code.searching.explore_scenario import CodeOptions
    from scenrun.search.options import SearchRequest

    code_trace = (trace,) if isinstance(trace, str) else tuple(trace)
    request = SearchRequest(
        strategy=strategy, max_states=max_states, memory_bytes=memory_bytes, time_limit_ns=time_limit_ns(time_limit),
        schedules=schedules, jobs=jobs, cluster=cluster, depth=depth, bound=bound, time=time, reduction=reduction,
        symmetry=symmetry, races=races, count=count, shorten=shorten, first=first,
    )  # fmt: skip
    request.check()
    return _explored(_loaded(scenario, "info", overrides, allow_python), seed, request, CodeOptions(code_trace, build))


def replay(
    schedule: str | Path | MoveSchedule,
    *,
    scenario: str | Path | Mapping[str, Any] | Loaded | None = None,
    on: str | None = None,
    level: str | None = None,
    log: str | Path | Callable[[dict[str, Any]], object] | None = None,
    keep: bool = False,
    allow_python: bool = False,
) -> RunResult:
    """Make the moves of a schedule again; `notes["shown"]` of the result says whether its finding was shown.

    - schedule: the path of a file that `scenrun explore` or `scenrun play` wrote, or what
      `scenrun.model.move_schedule.read` returns.
    - scenario: as for `run`; by default the schedule's own file, at the path that it was given by or beside the schedule.
      The schedule's overrides apply, except to a loaded scenario.
    - on: `simulator` (the default), in virtual time and with the same log every time, or `threads`, on real threads that
      take their steps one at a time. Schedules in which code makes steps are made on threads.
    - level, log, keep, allow_python: as for `run`; a schedule in which code makes steps has no log.

    Raises ScenarioError and OutputError, as `run`, and UsageError where the schedule does not fit the scenario, with the
    first move that does not.
    """
    from scenrun.model.move_schedule import MoveSchedule, read

    found = schedule if isinstance(schedule, MoveSchedule) else read(schedule)
    if found.code is not None:
        if (level, log, keep) != (None, None, False) or on == "simulator":
            raise UsageError(
                "a schedule of code is made on `threads`, and has no log: leave `on`, `level`, `log` and `keep` out"
            )
        return _replayed_code(schedule, found, scenario, allow_python)
    if scenario is None:
        scenario = scenario_of("." if isinstance(schedule, MoveSchedule) else schedule, found)
    overrides = None if isinstance(scenario, Loaded) else found.overrides
    level = _level(level, keep)
    loaded = _loaded(scenario, level, overrides, allow_python)
    with _output(log, keep) as lines:
        result = replay_once(
            loaded, found, on or "simulator", lambda run_id: lines.recorder(run_id, level, loaded.program), level
        )
    return RunResult.of(lines.kept_with(result))


def _replayed_code(
    path: str | Path | MoveSchedule,
    schedule: MoveSchedule,
    scenario: str | Path | Mapping[str, Any] | Loaded | None,
    allow_python: bool,
) -> RunResult:
    """Replay a schedule in which the user's own code makes steps."""
    from scenrun.model.move_schedule import MoveSchedule
    from scenrun.own_code.telling.replay_code import record_of_replay

    if not allow_python:
        raise UsageError("this is a schedule of Python code: pass allow_python=True if you trust it")
    if schedule.code is None or schedule.code.functions is not None:
        if scenario is not None:
            raise UsageError("this is a schedule of functions; leave `scenario` out")
        return RunResult.of(record_of_replay(schedule, None))
    if scenario is None:
        scenario = scenario_of("." if isinstance(path, MoveSchedule) else path, schedule)
    overrides = None if isinstance(scenario, Loaded) else schedule.overrides
    return RunResult.of(record_of_replay(schedule, _loaded(scenario, "info", overrides, allow_python)))


def scenario_of(path: str | Path, schedule: MoveSchedule) -> str:
    """The path of a schedule's scenario: its former path, or beside the schedule's file; UsageError where neither exists.

    path: the schedule's file.
    """
    given = Path(schedule.file)
    places = [given, Path(path).parent / given.name]
    for place in places:
        with suppress(OSError, ValueError):  # a name that no file can have
            if given.name and place.is_file():
                return str(place)
    raise UsageError(
        f"there is no {schedule.file[:200] or 'scenario'} any more of which this is a schedule; say where it is"
    )


def replay_once(
    loaded: Loaded,
    schedule: MoveSchedule,
    on: str,
    make_recorder: Callable[[str], Recorder],
    level: str,
    *,
    interrupted: Callable[[], str | None] = lambda: None,
    plan: ReplayPlan | None = None,
) -> RunRecord:
    """Replay a schedule of a loaded scenario; raises UsageError before any thread starts where the two do not fit.

    plan: the resolved moves, where the caller has them. interrupted: returns the name of a signal that ends the replay, or
    None.
    """
    from scenrun.execution.replay.plan import plan_of, to_show

    if on not in ("simulator", "threads"):
        raise UsageError(f"a schedule is replayed on `simulator` or on `threads`, not on `{on}`")
    plan = plan or plan_of(loaded.program, schedule)
    if on == "simulator":
        from scenrun.execution.replay.on_simulator import follow_program as replay_program
    else:
        from scenrun.execution.replay.on_threads import replay_program
    program = to_show(loaded.program, schedule.finding)
    return replay_program(program, plan, make_recorder, seed=schedule.seed, level=level, interrupted=interrupted)


def _simulation_options(
    *, scheduler: str, priorities: Mapping[str, int] | None, switch_interval: str | float | None, cpus: int,
    step_cost: str | float | None, costs: str | Path | None, epoch_ns: int, schedule: str | Path | None, record: bool,
) -> SimulationOptions:  # fmt: skip
    """The options of `simulate` with durations in nanoseconds and files read; refuses those that would have no effect."""
    from scenrun.execution.simulator.costs import read_costs
    from scenrun.execution.simulator.options import SimulationOptions
    from scenrun.model.turn_schedule import read as read_schedule

    options = SimulationOptions(
        scheduler=scheduler,
        priorities=dict(priorities or {}),
        switch_interval_ns=time_limit_ns(switch_interval, "switch_interval"),
        cpus=cpus,
        step_cost_ns=time_limit_ns(step_cost, "step_cost"),
        costs_ns={} if costs is None else read_costs(costs),
        epoch_ns=epoch_ns,
        schedule=None if schedule is None else read_schedule(schedule),
        record=record,
    )
    options.check()
    return options


def _simulated(
    loaded: Loaded,
    options: SimulationOptions,
    lines: Lines,
    level: str,
    *,
    seed: int | None,
    time_limit: str | float | None,
) -> RunRecord:
    """Simulate a loaded scenario once."""
    from scenrun.execution.simulator.simulate_program import simulate_program

    return simulate_program(
        loaded.program,
        lambda run_id: lines.recorder(run_id, level, loaded.program),
        seed=options.seed_for(loaded.program, seed),
        level=level,
        time_limit_ns=time_limit_ns(time_limit),
        settings=options.settings(),
    )


def _explored(loaded: Loaded, seed: int | None, request: SearchRequest, code: CodeOptions) -> Explored:
    """Search a loaded scenario, on a cluster where the request names one."""
    from scenrun.own_code.searching.explore_scenario import explore_any
    from scenrun.search.space.breadth_first import Limits
    from scenrun.workers.memory import process_bytes

    options = request.options(memory_bytes=process_bytes() + Limits().memory)
    if request.cluster is None:
        return explore_any(loaded, seed, options, code)
    from scenrun.search.strategies.on_cluster import on_cluster

    with on_cluster(options, request.cluster) as there:
        return explore_any(loaded, seed, there, code)


def _loaded(
    scenario: str | Path | Mapping[str, Any] | Loaded,
    level: str,
    overrides: Mapping[str, Any] | None,
    allow_python: bool,
) -> Loaded:
    """The scenario, loaded if it is not yet; refuses an unknown level, overrides without effect and unpermitted Python."""

    if level not in LEVELS:
        raise UsageError(f"there is no level `{level}`; levels are {', '.join(LEVELS)}")
    if isinstance(scenario, Loaded) and overrides:
        raise UsageError("overrides go to `load`; this scenario has been compiled already")
    loaded = scenario if isinstance(scenario, Loaded) else load(scenario, overrides=overrides)
    check_calls(loaded.program, allow_python)
    return loaded


def _level(level: str | None, keep: bool) -> str:
    """The level of the log; by default `debug` where lines are kept, as a timeline needs all of them, and else `info`."""
    return level if level is not None else "debug" if keep else "info"


@contextmanager
def _output(log: str | Path | Callable[[dict[str, Any]], object] | None, keep: bool) -> Iterator[Lines]:
    """The destination of the log: a file, a function or none; and the result's `lines` with `keep`."""
    from scenrun.execution.log_output import Lines
    from scenrun.trace.recorder import Collector, open_output

    if callable(log):
        yield Lines(Collector(log), keep)
    elif log == "-":
        raise UsageError("as a function, scenrun writes nothing to stdout; pass a file or a function as `log`")
    elif log is None:
        yield Lines(None, keep)
    else:
        output = open_output(str(log))
        try:
            yield Lines(output, keep)
        finally:
            output.leave()
