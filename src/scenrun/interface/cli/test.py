"""`scenrun test`: tests scenarios in their ways, prints one table, and writes JUnit XML."""

from __future__ import annotations

import shutil
import sys
import time
from pathlib import Path
from typing import Any

import click

from scenrun.batch.suite.discovery import scenarios_among
from scenrun.batch.suite.junit import junit
from scenrun.batch.suite.run import Case, Trying, cases_of
from scenrun.batch.suite.table import complaints, last_line, table
from scenrun.batch.suite.verdict import SuiteOptions, SuiteResult
from scenrun.batch.suite.ways import ways_among
from scenrun.interface.cli.outputs import output_file
from scenrun.interface.cli.repeated_run import refuse_own_files
from scenrun.interface.cli.shared_options import expect_option
from scenrun.interface.cli.signals import Signals
from scenrun.interface.cli.streams import Progress, say, tell
from scenrun.language.grading import sections_of
from scenrun.language.source import read_file
from scenrun.language.time_limit import time_limit_ns
from scenrun.workers.processes import cpus

UNLIMITED = 10_000
"""Columns of a table that does not go to a terminal."""


@click.command("test")
@click.argument("paths", nargs=-1, required=True, metavar="DIR|FILE...", type=click.Path())
@click.option("--how", "ways", multiple=True, metavar="WAYS",
              help="run, simulate, explore, virtual (explore in virtual time), or several with commas between; "
                   "otherwise those that a file names under expect.verdict, or simulate.")  # fmt: skip
@click.option("--jobs", type=click.IntRange(1, 256), metavar="N",
              help="Processes; as many as there are processors. Real runs are made alone.")  # fmt: skip
@expect_option
@click.option("--time-limit", metavar="DURATION", help="End each after so much time (10s); replaces the files' limits.")
@click.option("--junit", "junit_", metavar="FILE", type=click.Path(), help="Write JUnit XML, replacing what is there.")
@click.option("--quiet", "-q", is_flag=True, help="Show only what is not ok, and the last line.")
@click.option("--allow-python", is_flag=True, help="Let `call` steps call the scenarios' Python functions.")
def test_command(paths: tuple[str, ...], **options: Any) -> int:
    """Test scenarios: each in its ways, judged by what its file expects. Of a folder, all that are below it.

    Exit status: 0 all as expected, 1 not, 2 a wrong file or command line, 3 incomplete, 4 the output or scenrun failed,
    130 and 143 on SIGINT and SIGTERM; the greatest of them all.
    """
    ways = ways_among(options["ways"], "--how")
    time_limit_ns(options["time_limit"], "--time-limit")
    how = SuiteOptions(options["expect"], options["time_limit"], options["allow_python"])
    if how.expect is not None:
        sections_of(read_file(Path(how.expect)))
    files = scenarios_among(paths)
    if options["junit_"] is not None:
        refuse_own_files((*files, *([how.expect] if how.expect else [])), options["junit_"], "--junit")
    test = _Test(how, options)
    with test.signals:
        test.try_all(files, ways)
    return test.tell()


class _Ended(BaseException):
    """Raised when a signal has come."""


class _Test:
    """The state of one call of the command."""

    def __init__(self, how: SuiteOptions, options: dict[str, Any]) -> None:
        self.how = how
        self.options = options
        self.signals = Signals(sys.exit)
        self.found: list[SuiteResult] = []
        self.cases: list[Case] = []
        self.began, self._began_s = time.time(), time.perf_counter()
        self._progress = Progress(quiet=options["quiet"])

    def try_all(self, files: list[str], ways: tuple[str, ...]) -> None:
        """Tests all files, until a signal comes."""
        try:
            for file in files:
                self._plan(file, ways)
            for one in Trying(self.how, self.options["jobs"] or cpus(), self._look).results(self.cases):
                self.found.append(one)
        except _Ended:
            pass
        self._progress.clear()

    def _plan(self, file: str, ways: tuple[str, ...]) -> None:
        planned = cases_of(file, ways, self.how)
        if isinstance(planned, SuiteResult):
            self.found.append(planned)
        else:
            self.cases += planned
        self._look()

    def _look(self) -> None:
        """Shows the progress of the test; raises _Ended after a signal."""
        self._progress.show(lambda: f"{len(self.found)} of {len(self.cases)} tests")
        if self.signals.name is not None:
            raise _Ended

    def tell(self) -> int:
        """Writes the JUnit file and prints the table, the failures and the summary; returns the exit status."""
        order = {(case.file, case.way): number for number, case in enumerate(self.cases)}
        results = sorted(self.found, key=lambda one: order.get((one.file, one.way), -1))
        took_s = time.perf_counter() - self._began_s
        if path := self.options["junit_"]:
            with output_file(path, True) as file:
                file.write(junit(results, self.began, took_s))
        shown = [one for one in results if not (self.options["quiet"] and one.ok)]
        width = shutil.get_terminal_size((UNLIMITED, 24)).columns if sys.stdout.isatty() else UNLIMITED
        left = len(self.cases) - sum(one.way != "-" for one in results)
        lines = [*(table(shown, width) if shown else []), *complaints(shown)]
        tell("\n".join([*lines, *([""] if lines else []), last_line(results, took_s, left)]))
        if self.signals.status is not None:
            say(f"ended by {self.signals.name}; what was done is above")
            return self.signals.status
        return max((one.status for one in results), default=0)
