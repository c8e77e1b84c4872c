"""`scenrun simulate`: simulates scenarios in virtual time, once or many times."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click

from scenrun.errors import UsageError
from scenrun.execution.simulator.costs import read_costs
from scenrun.execution.simulator.options import SimulationOptions
from scenrun.execution.simulator.schedulers.registry import POLICIES
from scenrun.execution.simulator.simulate_program import run_id_of, simulate_program
from scenrun.interface.cli.repeated_run import Running, load_all, refuse_own_files, shared_options
from scenrun.interface.cli.shared_options import seed_option
from scenrun.interface.cli.streams import say
from scenrun.language.time_limit import time_limit_ns
from scenrun.model.turn_schedule import Schedule
from scenrun.model.turn_schedule import read as read_schedule
from scenrun.program.ir import Program
from scenrun.program.loaded import Loaded
from scenrun.program.results import RunRecord

_DECIDED = ("seed", "scheduler", "priority", "switch_interval", "step_cost", "costs", "cpus", "repeat", "until")
"""Options without effect beside `--schedule`."""


@click.command("simulate")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True))
@seed_option
@click.option("--scheduler", type=click.Choice(POLICIES),
              help="Who moves next: round-robin (the default: time slices, as under the GIL), random (drawn before each "
                   "step), priorities.")  # fmt: skip
@click.option("--priority", "priority", multiple=True, metavar="THREAD=N",
              help="With --scheduler priorities: a thread's or group's, 0 by default; the highest goes first.")  # fmt: skip
@click.option("--switch-interval", metavar="DURATION", help="The time slice of round-robin; 5ms, as CPython's.")
@click.option("--cpus", type=click.IntRange(1, 1_024), metavar="N",
              help="Steps at the same time; 1, as under the GIL. More asks what a free-threaded build would do.")  # fmt: skip
@click.option("--step-cost", metavar="DURATION", help="Virtual time of a step of which `costs` says nothing; 1us.")
@click.option(
    "--costs", metavar="FILE", type=click.Path(), help="Costs of this machine, as `scenrun calibrate` writes them."
)
@click.option("--epoch", metavar="DATE", help="Where the clock starts, such as 2026-01-31T12:00:00Z; 1970 by default.")
@click.option("--save-schedule", metavar="FILE", type=click.Path(), help="Write down who moved when.")
@click.option("--schedule", metavar="FILE", type=click.Path(), help="Let threads move as a saved schedule says.")
@click.option(
    "--time-limit", metavar="DURATION", help="End after so much virtual time (10s); replaces the file's limit."
)
@shared_options
def simulate_command(files: tuple[str, ...], **options: Any) -> int:
    """Simulate scenarios in virtual time: sleeping costs nothing, and the same seed gives the same log to the byte.

    Exit status: 0 as the file expects, 1 not, 2 wrong file or command line, 3 incomplete, 4 the output or scenrun
    failed, 130 and 143 on SIGINT and SIGTERM, 141 when stdout was closed.
    """
    loaded = load_all(files, options)
    command = _Virtual(options, files)
    _warn_of_calls([one.program for _, one in loaded])
    with command.signals:
        statuses = [command.run_file(file, one) for file, one in loaded if not command.is_ended]
    return command.status(statuses)


def _warn_of_calls(programs: list[Program]) -> None:
    if any(i.op == "call" for program in programs for code in program.codes for i in code.instructions):
        say("`call` steps are run as one atomic step each: what happens inside them, in time and among threads, is not "
            "controlled")  # fmt: skip


class _Virtual(Running):
    """Simulates scenarios in virtual time."""

    verb = "simulate"
    again_options = (
        "scheduler",
        "priority",
        "switch_interval",
        "cpus",
        "step_cost",
        "costs",
        "epoch",
        "schedule",
        "time_limit",
    )

    def __init__(self, options: dict[str, Any], files: tuple[str, ...]) -> None:
        self.schedule = self._schedule(options, files)
        self.how = SimulationOptions(
            scheduler=options["scheduler"] or "round-robin",
            priorities=priorities_of(options["priority"]),
            switch_interval_ns=_duration(options, "switch_interval"),
            cpus=options["cpus"] or 1,
            step_cost_ns=_duration(options, "step_cost"),
            costs_ns=read_costs(options["costs"]) if options["costs"] else {},
            epoch_ns=_epoch(options["epoch"]),
            schedule=self.schedule,
            record=options["save_schedule"] is not None,
        )
        self.how.check()
        super().__init__(options)

    @staticmethod
    def _schedule(options: dict[str, Any], files: tuple[str, ...]) -> Schedule | None:
        if options["save_schedule"] is not None:
            _refuse_many(options, files)
            refuse_own_files(files, options["save_schedule"], "--save-schedule")
        if options["schedule"] is None:
            return None
        for option in _DECIDED:
            if options[option]:
                raise UsageError(
                    f"--{option.replace('_', '-')} has no effect with --schedule, which has decided it already"
                )
        return read_schedule(options["schedule"])

    def now_ns(self) -> int:
        """The epoch: virtual time does not pass between runs."""
        return self.how.epoch_ns

    def tally_id(self, loaded: Loaded, first: int) -> str:
        """An identifier that is the same for the same runs."""
        return run_id_of(loaded.program, first)

    def run_once(self, loaded: Loaded, seed: int | None) -> RunRecord:
        """Simulates a scenario once."""
        result = simulate_program(
            loaded.program,
            lambda run_id: self.recorder(run_id, loaded),
            seed=self.how.seed_for(loaded.program, seed),
            level=self.level,
            time_limit_ns=self.limit,
            interrupted=lambda: self.signals.name,
            settings=self.how.settings(),
            hurry=self.signals.names,
        )
        if self.options["save_schedule"] is not None:
            self.how.schedule_of(loaded.program, result).save(self.options["save_schedule"])
        return result


def _refuse_many(options: dict[str, Any], files: tuple[str, ...]) -> None:
    if len(files) > 1 or options["repeat"] or options["until"]:
        raise UsageError("--save-schedule writes one run's schedule: give one file, without --repeat and --until")


def _duration(options: dict[str, Any], name: str) -> int | None:
    return time_limit_ns(options[name], f"--{name.replace('_', '-')}")


def priorities_of(texts: tuple[str, ...]) -> dict[str, int]:
    """`--priority THREAD=N` options as a mapping."""
    out = {}
    for text in texts:
        name, equals, number = text.rpartition("=")
        if not equals or not name or not number.lstrip("-").isdecimal():
            raise UsageError(f"--priority {text}: written THREAD=N, such as --priority consumer=2")
        out[name] = int(number)
    return out


def _epoch(text: str | None) -> int:
    """A date as nanoseconds since 1970."""
    if text is None:
        return 0
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"--epoch {text}: a date is written 2026-01-31 or 2026-01-31T12:00:00Z") from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    seconds = int((found - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds())
    if not 0 <= seconds < 1 << 36:
        raise UsageError(f"--epoch {text}: a date from 1970 on")
    return seconds * 1_000_000_000 + found.microsecond * 1_000
