"""`scenrun replay`: replays a schedule, in virtual time or on real threads, and reports whether its finding is shown."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import click

from scenrun.api import replay_once, scenario_of
from scenrun.errors import UsageError
from scenrun.execution.replay.plan import ReplayPlan, plan_of
from scenrun.interface.cli.repeated_run import Running, own_files, refuse_own_files
from scenrun.interface.cli.shared_options import expect_option, recording_options
from scenrun.interface.cli.streams import say
from scenrun.model.move_schedule import MoveSchedule
from scenrun.model.move_schedule import read as read_schedule
from scenrun.program.loaded import Loaded, load
from scenrun.program.results import RunRecord
from scenrun.program.tally import Tally
from scenrun.program.user_python import check_calls, import_from_here
from scenrun.report.outcome import describe_replay


@click.command("replay")
@click.argument("schedule", metavar="SCHEDULE", type=click.Path())
@click.option("--file", "file", metavar="FILE", type=click.Path(), help="The scenario, if it is not where it was.")
@expect_option
@click.option("--on", type=click.Choice(["simulator", "threads"]), default="simulator", show_default=True,
              help="In virtual time, or on real threads that take their steps one at a time.")  # fmt: skip
@click.option("--repeat", type=click.IntRange(1), metavar="N", help="Replay it N times. Ends with a tally.")
@recording_options
def replay_command(schedule: str, **options: Any) -> int:
    """Replay a schedule that `scenrun explore` or `scenrun play` wrote.

    Exit status: 0 its finding was shown again (without one: it was replayed to its end), 1 it was not, 2 wrong file or
    command line or a schedule that does not fit, 4 the output or scenrun failed, 130 and 143 on SIGINT and SIGTERM, 141
    when stdout was closed.
    """
    found = read_schedule(schedule)
    if found.code is not None:
        return _replay_of_code(schedule, found, options)
    file = options["file"] or scenario_of(schedule, found)
    import_from_here(options["allow_python"])
    loaded = load(Path(file), overrides=found.overrides, expect=options["expect"])
    check_calls(loaded.program, options["allow_python"])
    plan = plan_of(loaded.program, found)  # before the log is opened: a schedule that does not fit must cost no file
    refuse_own_files(own_files((file, schedule), options), options["log"], "--log")
    if loaded.program.digest != found.digest:
        say(f"{file} has changed since the schedule was written; all its moves still fit")
    command = _Replaying(options, found, plan)
    with command.signals:
        status = command.run_file(schedule, loaded)
    return command.status([status])


def _replay_of_code(path: str, schedule: MoveSchedule, options: dict[str, Any]) -> int:
    """Replays a schedule in which the user's own code makes steps, once or repeatedly; returns the exit status."""
    from scenrun.own_code.telling.replay_code import replay_code

    _refuse_for_code(options)
    import_from_here(options["allow_python"])
    if not options["allow_python"]:
        raise UsageError(f"{path} is a schedule of Python code: give --allow-python if you trust it")
    file, loaded = None, None
    if schedule.code is not None and schedule.code.functions is None:
        file = options["file"] or scenario_of(path, schedule)
        loaded = load(Path(file), overrides=schedule.overrides, expect=options["expect"])
    elif options["file"] is not None or options["expect"]:
        raise UsageError("--file and --expect are for schedules of scenarios; this one is of functions")
    times = options["repeat"] or 1
    width = shutil.get_terminal_size((120, 24)).columns
    shown = [replay_code(schedule, loaded, width) for _ in range(times)]
    last = shown[-1]
    count = sum(one.shown for one in shown)
    if not (options["quiet"] and count == times):
        what = f"{last.about.kind} ({last.about.about})"
        often = f" in {count} of {times} replays" if options["repeat"] else ""
        say("\n".join([f"{'shown' if last.shown else 'not shown'}{often}: {what}", *last.lines]))
    return 0 if count == times else 1


def _refuse_for_code(options: dict[str, Any]) -> None:
    """Raises UsageError for options that have no effect where code makes steps."""
    context = click.get_current_context()
    for name in ("on", "log", "level", "format_", "flush"):
        given = context.get_parameter_source(name)
        if given is click.core.ParameterSource.COMMANDLINE and options[name] != "threads":
            raise UsageError(
                f"--{name.strip('_')} has no effect on a schedule of code: it is made on real threads and told on stderr"
            )


class _Replaying(Running):
    """Replays one schedule, once or repeatedly."""

    def __init__(self, options: dict[str, Any], schedule: MoveSchedule, plan: ReplayPlan) -> None:
        super().__init__({**options, "time_limit": None, "until": None})
        self.schedule = schedule
        self.plan = plan

    def run_once(self, loaded: Loaded, seed: int | None) -> RunRecord:
        """Replays the schedule once."""
        return replay_once(
            loaded, self.schedule, self.options["on"], lambda run_id: self.recorder(run_id, loaded), self.level,
            interrupted=lambda: self.signals.name, plan=self.plan,
        )  # fmt: skip

    def _once(self, file: str, loaded: Loaded) -> int:
        result = self.run_once(loaded, None)
        if not (self.options["quiet"] and result.notes["shown"]):
            moves = len(self.schedule.moves)
            say(describe_replay(result, self.schedule.finding, moves, seen=self._is_watched))
        self._leave_if_stuck(result)
        return 0 if result.notes["shown"] else 1

    def _many(self, file: str, loaded: Loaded) -> int:
        tally, shown, began = Tally(loaded.name, None), 0, self.now_ns()
        while tally.runs < self.options["repeat"] and not self.is_ended:
            result = self.run_once(loaded, None)
            tally.add(result)
            shown += bool(result.notes["shown"])
            if not result.notes["shown"]:
                say(describe_replay(result, self.schedule.finding, len(self.schedule.moves)))
            self._leave_if_stuck(result)
        self._record_tally(loaded, tally, self.schedule.seed, began)
        if not (self.options["quiet"] and shown == tally.runs):
            what = self.schedule.finding[0] if self.schedule.finding is not None else "the end of the schedule"
            say(f"{what} was shown in {shown} of {tally.runs} replays on {_on(self.options['on'])}")
        return 0 if shown == tally.runs else 1


def _on(where: str) -> str:
    return "real threads" if where == "threads" else "the simulator"
