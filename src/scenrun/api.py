"""The public verbs, as functions: they touch no signal handler, no stdout and no global state."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from scenrun.errors import Fault, Place, Problem, ScenarioError, Source, UsageError
from scenrun.language.durations import DurationError
from scenrun.language.durations import parse as parse_duration
from scenrun.language.model import Scenario
from scenrun.language.reader import read_scenario
from scenrun.language.source import MAX_BYTES, decode
from scenrun.program.compiler.compiler import compile_scenario
from scenrun.program.ir import Program
from scenrun.program.results import RunRecord
from scenrun.report.results import RunResult
from scenrun.trace.events import LEVELS

if TYPE_CHECKING:
    from scenrun.execution.log_output import Lines
    from scenrun.execution.replay.plan import ReplayPlan
    from scenrun.model.move_schedule import MoveSchedule
    from scenrun.search.result import Explored
    from scenrun.trace.recorder import Recorder


@dataclass(frozen=True, slots=True)
class Loaded:
    """A scenario that was read, checked and compiled."""

    scenario: Scenario
    program: Program

    @property
    def name(self) -> str:
        """The scenario's name."""
        return self.program.name


def load(
    scenario: str | Path | Mapping[str, Any],
    *,
    overrides: Mapping[str, Any] | None = None,
    expect: str | Path | Mapping[str, Any] | None = None,
) -> Loaded:
    """Read, check and compile a scenario.

    `scenario` is a path, or the scenario itself as a mapping. `overrides` maps dotted paths to values, such as
    `{"threads.consumer.count": 3}`. `expect` is another file, or a mapping: its `expect` and `limits` stand in the place
    of the scenario's own. Raises ScenarioError with everything that is wrong, each with its place.
    """
    teacher = None if expect is None else source_of(expect, "<expect>")
    return load_source(source_of(scenario), overrides, teacher)


def source_of(given: str | Path | Mapping[str, Any], name: str = "<mapping>") -> Source:
    """The text of a file, or of a mapping under this name."""
    if isinstance(given, Mapping):
        text = yaml.safe_dump(dict(given), sort_keys=False, allow_unicode=True)
        return decode(name, text.encode())
    return read_file(Path(given))


def load_source(source: Source, overrides: Mapping[str, Any] | None = None, teacher: Source | None = None) -> Loaded:
    """Read, check and compile the scenario of a text, with the expectations of another one if there is a `teacher`."""
    given = dict(overrides or {})
    read, problems = read_scenario(source, given, teacher)
    if read is None:
        raise ScenarioError(problems)
    return Loaded(read, compile_scenario(read, problems, given))


def read_file(path: Path) -> Source:
    """The text of a file, up to the size that a scenario may have."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise ScenarioError([Problem(None, f"{path}: cannot be read: {error.strerror}")]) from None
    return decode(str(path), data)


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
    """Run a scenario on real threads and give its result when all of them have ended or were freed.

    seed: replaces the file's. level: `debug`, `info`, `warning`, `error` or `critical`; `info`, and `debug` where lines are
    kept. log: a file for JSON lines, or a function that is called with each event (on the calling thread). keep: keep the
    events as `lines` of the result, which can draw its timeline then. time_limit: wall time, in seconds or as `5s`;
    past it the verdict is `incomplete`. allow_python: lets `call` steps call the scenario's Python functions.
    Raises ScenarioError (the file is wrong), UsageError (the arguments are) and OutputError (the log cannot be written).
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
    scenario: str | Path | Mapping[str, Any] | Loaded,
    *,
    seed: int | None = None,
    level: str | None = None,
    log: str | Path | Callable[[dict[str, Any]], object] | None = None,
    keep: bool = False,
    time_limit: str | float | None = None,
    overrides: Mapping[str, Any] | None = None,
    allow_python: bool = False,
    scheduler: str = "round-robin",
    priorities: Mapping[str, int] | None = None,
    switch_interval: str | float | None = None,
    cpus: int = 1,
    step_cost: str | float | None = None,
    costs: str | Path | None = None,
    epoch_ns: int = 0,
    schedule: str | Path | None = None,
    save_schedule: str | Path | None = None,
) -> RunResult:
    """Simulate a scenario in virtual time and give its result: the same for the same seed.

    What `run` takes means the same here; time_limit is virtual time. scheduler: `round-robin` (in time slices of
    switch_interval, 5 ms by default), `random` (drawn before each step), or `priorities` (a number for each thread or
    group; the highest goes first). cpus: steps at the same time; 1 is the GIL. step_cost: virtual time of a step of which
    the file's `costs` and the file `costs` say nothing, in seconds or as `2us`; 1 us. epoch_ns: where the virtual clock
    starts, in nanoseconds since 1970. schedule: a file that `save_schedule` wrote, to let threads move as it says.
    Raises ScenarioError, UsageError and OutputError.
    """
    from scenrun.execution.simulator.costs import read_costs
    from scenrun.execution.simulator.options import SimulationOptions
    from scenrun.execution.simulator.simulate_program import simulate_program
    from scenrun.model.turn_schedule import read as read_schedule

    level = _level(level, keep)
    loaded = _loaded(scenario, level, overrides, allow_python)
    how = SimulationOptions(
        scheduler=scheduler,
        priorities=dict(priorities or {}),
        switch_interval_ns=time_limit_ns(switch_interval, "switch_interval"),
        cpus=cpus,
        step_cost_ns=time_limit_ns(step_cost, "step_cost"),
        costs_ns={} if costs is None else read_costs(costs),
        epoch_ns=epoch_ns,
        schedule=None if schedule is None else read_schedule(schedule),
        record=save_schedule is not None,
    )
    how.check()
    if schedule is not None and seed is not None:
        raise UsageError("a schedule has its own seed; leave `seed` out")
    with _output(log, keep) as lines:
        result = simulate_program(
            loaded.program,
            lambda run_id: lines.recorder(run_id, level, loaded.program),
            seed=how.seed_for(loaded.program, seed),
            level=level,
            time_limit_ns=time_limit_ns(time_limit),
            settings=how.settings(),
        )
    if save_schedule is not None:
        how.schedule_of(loaded.program, result).save(save_schedule)
    return RunResult.of(lines.kept_with(result))


def explore(
    scenario: str | Path | Mapping[str, Any] | Loaded,
    *,
    strategy: str | None = None,
    seed: int | None = None,
    max_states: int | None = None,
    memory_bytes: int | None = None,
    time_limit: str | float | None = None,
    schedules: int | None = None,
    jobs: int | None = None,
    cluster: str | None = None,
    depth: int | None = None,
    bound: int | None = None,
    time: str | None = None,
    races: bool = False,
    count: bool = False,
    reduction: str | None = None,
    symmetry: bool | None = None,
    shorten: bool = True,
    overrides: Mapping[str, Any] | None = None,
    allow_python: bool = False,
) -> Explored:
    """Search the schedules of a scenario: every bug, or the proof that there is none.

    strategy: `states` (all of them, breadth first; where they are too many and the strategy is None, random schedules and
    PCT follow), `random`, `pct`, `pos`, `surw`, `preemptions`, `delays` or `dpor`. max_states (None: 2,000,000),
    memory_bytes (that this process may have in all; None: 2 GB more than it has), time_limit (seconds, or as `10s`): the
    result is `incomplete` past them, if nothing was found. schedules, jobs, depth, bound: of
    the strategies that walk schedules (see docs/strategies.md). time: `free` (any sleep may take any time, any time-out
    may fire) or `virtual` (in the clock's order). races: a data race is a finding even where the file does not ask.
    count: count all schedules. reduction: `auto`, `on` or `off`; symmetry: take like replicas for one another where the
    search is reduced. shorten: make counterexamples as short as possible. cluster: the address of a Dask scheduler, such as
    `tcp://host:8786`, whose workers walk schedules (docs/cluster.md). Raises ScenarioError and UsageError, and OutputError
    where the scheduler goes away.
    """
    from scenrun.search.explore import explore_program
    from scenrun.search.options import SearchRequest
    from scenrun.search.space.breadth_first import Limits
    from scenrun.workers.memory import process_bytes

    request = SearchRequest(
        strategy=strategy, max_states=max_states, memory_bytes=memory_bytes, time_limit_ns=time_limit_ns(time_limit),
        schedules=schedules, jobs=jobs, cluster=cluster, depth=depth, bound=bound, time=time, reduction=reduction,
        symmetry=symmetry, races=races, count=count, shorten=shorten,
    )  # fmt: skip
    request.check()
    loaded = _loaded(scenario, "info", overrides, allow_python)
    options = request.options(memory_bytes=process_bytes() + Limits().memory)
    if cluster is None:
        return explore_program(loaded.program, seed, options)
    from scenrun.search.strategies.on_cluster import on_cluster

    with on_cluster(options, cluster) as there:
        return explore_program(loaded.program, seed, there)


def replay(
    schedule: str | Path | MoveSchedule,
    *,
    scenario: str | Path | Mapping[str, Any] | Loaded | None = None,
    on: str = "simulator",
    level: str | None = None,
    log: str | Path | Callable[[dict[str, Any]], object] | None = None,
    keep: bool = False,
    allow_python: bool = False,
) -> RunResult:
    """Make the moves of a schedule again; `notes["shown"]` of the result says whether its finding was shown.

    schedule: a file that `scenrun explore` or `scenrun play` wrote, or what `scenrun.model.move_schedule.read` gives. scenario:
    by default the schedule's own file, as it was given or beside the schedule. on: `simulator`, in virtual time and with the
    same log every time, or `threads`, on real threads that take their steps one at a time. Raises ScenarioError,
    OutputError, and UsageError where the schedule does not fit the scenario, with the first move that does not.
    """
    from scenrun.model.move_schedule import MoveSchedule, read

    found = schedule if isinstance(schedule, MoveSchedule) else read(schedule)
    if scenario is None:
        scenario = scenario_of("." if isinstance(schedule, MoveSchedule) else schedule, found)
    overrides = None if isinstance(scenario, Loaded) else found.overrides
    level = _level(level, keep)
    loaded = _loaded(scenario, level, overrides, allow_python)
    with _output(log, keep) as lines:
        result = replay_once(loaded, found, on, lambda run_id: lines.recorder(run_id, level, loaded.program), level)
    return RunResult.of(lines.kept_with(result))


def scenario_of(path: str | Path, schedule: MoveSchedule) -> str:
    """The scenario's file of a schedule: where it was, or beside the schedule's own file."""
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
    interrupted: Callable[[], str | None] = lambda: None,
    plan: ReplayPlan | None = None,
) -> RunRecord:
    """Replay a schedule of a loaded scenario; nothing is started where it does not fit."""
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


def _loaded(
    scenario: str | Path | Mapping[str, Any] | Loaded,
    level: str,
    overrides: Mapping[str, Any] | None,
    allow_python: bool,
) -> Loaded:
    """The scenario, and nothing about it that would have no effect."""

    if level not in LEVELS:
        raise UsageError(f"there is no level `{level}`; levels are {', '.join(LEVELS)}")
    if isinstance(scenario, Loaded) and overrides:
        raise UsageError("overrides go to `load`; this scenario has been compiled already")
    loaded = scenario if isinstance(scenario, Loaded) else load(scenario, overrides=overrides)
    check_calls(loaded.program, allow_python)
    return loaded


def _level(level: str | None, keep: bool) -> str:
    """The level of the log unless it is said: lines are kept for a timeline, which needs all of them."""
    return level if level is not None else "debug" if keep else "info"


@contextmanager
def _output(log: str | Path | Callable[[dict[str, Any]], object] | None, keep: bool) -> Iterator[Lines]:
    """Where the log goes: to a file, to a function, or nowhere; and to the result, where its lines are kept."""
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


def time_limit_ns(limit: str | float | None, option: str = "time_limit") -> int | None:
    """A limit of time in nanoseconds, from seconds or a duration's text; errors name the option."""
    if limit is None:
        return None
    if isinstance(limit, int | float) and not isinstance(limit, bool):
        if not 0 < limit < 1e9:
            raise UsageError(f"{option} is a positive number of seconds, not {limit}")
        return int(limit * 1e9)
    try:
        nanoseconds = parse_duration(limit)
    except DurationError as error:
        raise UsageError(f"{option}: {error}") from None
    if nanoseconds == 0:
        raise UsageError(f"{option}: longer than nothing, please")
    return nanoseconds


def check_calls(program: Program, allow_python: bool) -> None:
    """Refuse a program with the user's own Python unless the user allows it; and what of it cannot be imported."""

    calls = [i for code in program.codes for i in code.instructions if i.op == "call"]
    if not calls and not program.objects:
        return
    if not allow_python:
        lines = {**{made.line: "objects" for made in program.objects}, **{i.line: "call" for i in calls}}
        problems = [
            Problem(Place(program.source, line, 1), f"`{word}` runs Python of yours; allow it with --allow-python")
            for line, word in sorted(lines.items())
        ]
        raise ScenarioError(problems)
    from scenrun.program.user_python import import_function

    functions = {str(i.option("function")): i.line for i in calls if ":" in str(i.option("function"))}
    for name, line in {**functions, **{made.python: made.line for made in program.objects}}.items():
        try:
            import_function(name)
        except Fault as fault:
            raise ScenarioError([Problem(Place(program.source, line, 1), fault.text)]) from None
