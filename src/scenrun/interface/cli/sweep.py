"""`scenrun sweep`: runs one scenario with many values, seeds and repetitions, and writes tables, maps and pages."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import click

from scenrun.batch.sweep import files
from scenrun.batch.sweep.cell import Job, Row
from scenrun.batch.sweep.options import HOWS, OF
from scenrun.batch.sweep.plan import SweepPlan, SweepRequest, plan
from scenrun.batch.sweep.record import Record, identity_of
from scenrun.batch.sweep.run import Backend, check_figures, default_figures, means_for, run_missing
from scenrun.batch.sweep.table import Told
from scenrun.errors import UsageError
from scenrun.interface.cli.exit_status import EXIT_FAILED
from scenrun.interface.cli.options import overrides_of, source_of
from scenrun.interface.cli.outputs import check_place, output_path, raw_option
from scenrun.interface.cli.shared_options import allow_python_option, quiet_option
from scenrun.interface.cli.signals import Signals
from scenrun.interface.cli.simulate import priorities_of
from scenrun.interface.cli.streams import Progress, has_colour, say, tell
from scenrun.language.sweep import MAX_REPEAT, MAX_SEEDS, plain, written_values
from scenrun.language.time_limit import time_limit_ns
from scenrun.language.value_ranges import RangeError
from scenrun.program.user_python import import_from_here
from scenrun.report.amounts import counted, rough_seconds
from scenrun.workers.cluster import ClusterLost

_PROGRESS_S = 0.2
_OF_CELLS = ("time_limit", "scheduler", "switch_interval", "cpus", "step_cost", "strategy", "max_states", "schedules",
             "depth", "bound", "time")  # fmt: skip
"""Options that are passed to the cells unchanged."""


@click.command("sweep")
@click.argument("file", metavar="FILE", type=click.Path(allow_dash=True))
@click.option("--over", "over", multiple=True, metavar="PATH=VALUES",
              help="Vary a value: threads.consumer.count=1,2,4 or sync.pipeline.maxsize=1..64*2. Adds to the file's `sweep`, "
                   "or replaces it for this path.")  # fmt: skip
@click.option("--seeds", type=click.IntRange(1, MAX_SEEDS), metavar="N",
              help="Each combination with N seeds, from the file's or --seed on.")  # fmt: skip
@click.option("--repeat", type=click.IntRange(1, MAX_REPEAT), metavar="N", help="Each real run N times.")
@click.option("--how", type=click.Choice(HOWS), default="simulate", show_default=True, help="What is done with a cell.")
@click.option("--jobs", type=click.IntRange(1, 1_024), metavar="N",
              help="Cells at a time; all processors, and 1 for real runs, which would disturb each other.")  # fmt: skip
@click.option("--cluster", metavar="ADDRESS", help="Run cells on a Dask cluster, such as tcp://host:8786, instead.")
@click.option("--cell-limit", default="60s", show_default=True, metavar="DURATION",
              help="A cell that takes longer is an error; `none` for no limit.")  # fmt: skip
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Override a value in all cells.")
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="The first seed; replaces the file's.")
@click.option("--show", "shown", multiple=True, metavar="FIGURE",
              help="The figures of the table, the first one that of the heat map; the throughput of the first queue unless "
                   "given, or elapsed_s, or states.")  # fmt: skip
@click.option("-o", "--output", "paths", multiple=True, metavar="FILE", type=click.Path(),
              help="Write rows to FILE.csv, .parquet, .duckdb or .jsonl, or a page to FILE.html. Rows are kept beside it as "
                   "they come, and a second call goes on from there.")  # fmt: skip
@click.option("--force", is_flag=True, help="Begin anew, replacing the files of -o.")
@raw_option
@click.option("--retry-errors", is_flag=True, help="When going on: run cells again whose row is an error.")
@click.option("--yes", is_flag=True, help="Run also more than 100,000 cells.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows as JSON lines on stdout, instead of the table.")
@quiet_option
@allow_python_option
@click.option(
    "--time-limit", metavar="DURATION", help="Ends each run, simulation (virtual time) or search after so much."
)
@click.option("--scheduler", metavar="NAME", help="simulate: round-robin, random or priorities.")
@click.option(
    "--priority", "priority", multiple=True, metavar="THREAD=N", help="simulate: with --scheduler priorities."
)
@click.option("--switch-interval", metavar="DURATION", help="simulate: the time slice of round-robin.")
@click.option("--cpus", type=click.IntRange(1, 1_024), metavar="N", help="simulate: steps at the same time.")
@click.option("--step-cost", metavar="DURATION", help="simulate: virtual time of a step.")
@click.option("--strategy", metavar="NAME", help="explore: which schedules are searched.")
@click.option("--max-states", type=click.IntRange(1), metavar="N", help="explore: states at most.")
@click.option("--schedules", type=click.IntRange(1), metavar="N", help="explore: schedules to walk.")
@click.option("--depth", type=click.IntRange(1, 100), metavar="D", help="explore: of --strategy pct.")
@click.option("--bound", type=click.IntRange(0), metavar="N", help="explore: of --strategy preemptions or delays.")
@click.option("--time", type=click.Choice(["free", "virtual"]), help="explore: how time passes.")
@click.option("--races", is_flag=True, help="explore: a data race is a finding.")
def sweep_command(file: str, **options: Any) -> int:
    """Run a scenario with many values and seeds, and show how its figures and verdicts change.

    scenrun sweep scenarios/queue_pipeline.yaml --over threads.consumer.count=1,2,4 --over sync.pipeline.maxsize=1..64*2

    Exit status: 0 all cells are as the file expects, 1 not, 2 wrong file or command line, 3 cells are incomplete, 4 the
    output or scenrun failed, 130 and 143 on SIGINT and SIGTERM, 141 when stdout was closed.
    """
    import_from_here(options["allow_python"])
    if options["cluster"] and options["jobs"]:
        raise UsageError("--jobs has no effect with --cluster, which runs as much at a time as it has threads")
    sweep_plan = plan(_job(file, options), _wishes(options))
    return _Sweeping(file, sweep_plan, options).go()


def _job(file: str, options: dict[str, Any]) -> Job:
    source = source_of(file)
    limit = None if options["cell_limit"] == "none" else time_limit_ns(options["cell_limit"], "--cell-limit")
    return Job(
        source.text, source.name if file == "-" else file, options["how"], _of_cells(options),
        {path: plain(value) for path, value in overrides_of(options["sets"]).items()},
        None if limit is None else limit / 1e9,
    )  # fmt: skip


def _of_cells(options: dict[str, Any]) -> dict[str, Any]:
    """The options for the cells, as arguments of the function that runs a cell."""
    out = {name: options[name] for name in _OF_CELLS if options[name] is not None}
    if options["priority"]:
        out["priorities"] = priorities_of(options["priority"])
    return out | {name: True for name in ("races", "allow_python") if options[name]}


def _wishes(options: dict[str, Any]) -> SweepRequest:
    return SweepRequest(over_of(options["over"]), options["seed"], options["seeds"], options["repeat"], options["yes"])


def over_of(texts: Sequence[str]) -> dict[str, tuple[Any, ...]]:
    """`--over PATH=VALUES` options as a mapping; values are read like unquoted ones in a file."""
    out: dict[str, tuple[Any, ...]] = {}
    for text in texts:
        path, equals, given = text.partition("=")
        if not equals or not given.strip():
            raise UsageError(
                f"--over {text}: written PATH=VALUES, such as --over threads.consumer.count=1,2,4 or "
                "--over sync.pipeline.maxsize=1..64*2"
            )
        overrides_of((f"{path}=0",))
        if path in out:
            raise UsageError(f"--over {path} is given twice")
        out[path] = _values(path, given.strip())
    return out


def _values(path: str, given: str) -> tuple[Any, ...]:
    try:
        return written_values(path, given)
    except RangeError as error:
        raise UsageError(f"--over {path}={given[:80]}: {error}") from None


class _Stopped(Exception):
    """Raised when a signal has come."""


class _Sweeping:
    """The state of one call of the command."""

    def __init__(self, file: str, sweep_plan: SweepPlan, options: dict[str, Any]) -> None:
        self.file = file
        self.plan = sweep_plan
        self.options = options
        self.signals = Signals()
        self.lost: ClusterLost | None = None
        self.targets = files.targets(options["paths"])
        if options["raw"] and not any(files.suffix_of(path) == ".csv" for path in self.targets):
            raise UsageError("--raw is about the cells of a .csv, and no -o is one")
        self._began = time.monotonic()
        self._new = self._failing = 0
        self._progress = Progress(quiet=options["quiet"], every_s=_PROGRESS_S)

    def go(self) -> int:
        """Runs the missing cells, and shows and writes all rows; returns the exit status."""
        self._check_outputs()
        identity = identity_of(self.plan.job, self.plan.scenario)
        record = Record(
            files.record_path(self.targets), identity, self.plan.grid, again=self.options["force"],
            retry=self.options["retry_errors"],
        )  # fmt: skip
        try:
            with self._means() as means:
                self._say_notes(record, means)
                with self.signals:
                    self._run(record, means)
            return self._finish(record)
        finally:
            record.close()

    @contextmanager
    def _means(self) -> Iterator[Backend]:
        """Processes of this machine, or the workers of the cluster."""
        if self.options["cluster"]:
            from scenrun.workers.cluster import hush

            hush()
        with means_for(self.plan.job.how, self.options["jobs"], self.options["cluster"]) as means:
            yield means

    def _check_outputs(self) -> None:
        force, kept = self.options["force"], files.record_path(self.targets)
        for path in self.targets:
            check_place(path)
            if os.path.exists(path) and not (force or path == kept) and not os.path.exists(str(kept)):
                raise UsageError(f"{path} exists, and there is no {kept} to go on from; --force replaces it")
            files.check_means(path)
        if force and not self.targets:
            raise UsageError("--force has no effect without -o")
        if self.options["retry_errors"] and not self.targets:
            raise UsageError("--retry-errors has no effect without -o: there are no rows yet")

    def _say_notes(self, record: Record, means: Backend) -> None:
        for note in self.plan.notes:
            self._say(f"note: {note}")
        if record.done:
            self._say(f"{record.done:,} of the cells are in {record.path} already")
        beside = means.beside or means.jobs
        if beside > 1 and self.plan.job.how == "run":
            where = " on one machine" * (means.beside is not None)
            self._say(f"note: up to {beside} real runs at a time{where} disturb each other's timing")

    def _say(self, text: str) -> None:
        if not self.options["quiet"]:
            say(text)

    def _run(self, record: Record, means: Backend) -> None:
        def look() -> None:
            means.looking()
            self._look(record)

        try:
            watched = replace(means, looking=look, came=self._note)
            run_missing(self.plan, record, watched, self.options["shown"])
        except _Stopped:
            pass
        except ClusterLost as lost:
            self.lost = lost
        finally:
            self._progress.clear()

    def _note(self, row: Row) -> None:
        self._new += 1
        self._failing += not row["ok"]

    def _look(self, record: Record) -> None:
        """Shows the progress of the sweep; raises _Stopped after a signal."""
        if self.signals.name is not None:
            raise _Stopped
        self._progress.show(lambda: progress(record.done, self.plan.cells, self._rate(), self._failing))

    def _rate(self) -> float:
        """The cells per second."""
        return self._new / max(1e-3, time.monotonic() - self._began)

    def _finish(self, record: Record) -> int:
        first = next((row["figures"] for row in record.rows() if row["figures"]), None)
        shown = self.options["shown"] or default_figures(self.plan, first)
        if first is not None:
            check_figures(self.options["shown"], first)
        told = Told(self.plan, shown)
        told.read(record.rows())
        for path in self.targets:
            self._write(path, record, shown)
            self._say(f"wrote {path}: {counted(record.done, 'row')}")
        self._tell(record, told)
        if self.lost is not None:
            say(str(self.lost))
            self._say_how_to_go_on(record)
            return EXIT_FAILED
        if self.signals.status is not None:
            self._say_how_to_go_on(record)
            return self.signals.status
        return told.status

    def _tell(self, record: Record, told: Told) -> None:
        if self.options["as_json"]:
            for row in record.rows():
                tell(files.as_json(row), form="json")
        elif record.done:
            tell("\n".join(told.lines(has_colour())), form="drawn")

    def _write(self, path: str, record: Record, shown: Sequence[str]) -> None:
        if path != record.path:
            with output_path(path, True) as beside:
                files.write(beside, self.plan, record, shown, raw=self.options["raw"])

    def _say_how_to_go_on(self, record: Record) -> None:
        left = f"{record.done:,} of {self.plan.cells:,} cells are done"
        if record.path is None:
            say(f"stopped: {left}; with -o they would be kept, and a second call would go on")
        else:
            say(f"stopped: {left} and kept in {record.path}; the same command goes on from there")


def progress(done: int, most: int, rate: float, failing: int) -> str:
    """The progress of a sweep in one line; `rate` is in cells per second."""
    left = f", {rough_seconds((most - done) / rate)} left" if rate > 0 else ""
    bad = f", {failing:,} not as expected" if failing else ""
    return f"{done:,} of {most:,} cells, {rate:.3g}/s{left}{bad}"


__all__ = ["OF", "over_of", "progress", "sweep_command"]
