"""`scenrun run`: real threads, once or many times, from the command line."""

from __future__ import annotations

import os
import secrets
import shlex
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from scenrun.api import Loaded, check_calls, time_limit_ns
from scenrun.cli import EXIT_CLOSED, EXIT_INCOMPLETE, say
from scenrun.cli.options import load, overrides_of
from scenrun.errors import UsageError
from scenrun.executors.threads import run_program
from scenrun.log import OutputClosed, Recorder, open_output, render_json
from scenrun.program import Program
from scenrun.report.console import Console
from scenrun.report.outcome import describe, describe_tally
from scenrun.results import RunResult
from scenrun.scenario.model import VERDICTS
from scenrun.tally import Tally

MANY_THREADS, MANY_SWITCH_S = 1_000, 0.1
"""Every thread that waits for the GIL wakes up once in a switch interval: thousands of them would do nothing else."""
UNTIL = (*(v for v in VERDICTS if v not in ("race", "livelock")), "incomplete", "finding")


@click.command("run")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True))
@click.option("--seed", type=click.IntRange(0, 2**64 - 1), help="Replaces the file's seed.")
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Override a value: threads.consumer.count=3.")
@click.option(
    "--repeat", type=click.IntRange(1), metavar="N", help="Run N times; run i uses seed + i. Ends with a tally."
)
@click.option(
    "--until",
    type=click.Choice(UNTIL),
    help="Repeat until this verdict, or any finding, has come, at most N times with --repeat; 0 if it came.",
)
@click.option("--time-limit", metavar="DURATION", help="End a run after so much time (10s); replaces the file's limit.")
@click.option("--switch-interval", metavar="DURATION",
              help="How often the interpreter switches threads; 5ms, and 100ms for more than 1,000 threads.")  # fmt: skip
@click.option("--level", type=click.Choice(["debug", "info", "warning", "error", "critical"]), default="info",
              show_default=True, help="Show lines of this level and above; debug shows every operation.")  # fmt: skip
@click.option(
    "--log",
    "log",
    default="-",
    show_default=True,
    metavar="FILE",
    type=click.Path(allow_dash=True),
    help="Where the log goes, replacing what is there; - is stdout.",
)
@click.option("--format", "format_", type=click.Choice(["json", "console"]), default="json", show_default=True)
@click.option("--flush", type=click.Choice(["auto", "line"]), default="auto", show_default=True,
              help="auto: within 100 ms (1 s to a file); line: each line at once.")  # fmt: skip
@click.option("--quiet", "-q", is_flag=True, help="Say nothing on stderr unless something is wrong.")
@click.option("--allow-python", is_flag=True, help="Let `call` steps call the scenario's Python functions.")
def run_command(files: tuple[str, ...], **options: Any) -> int:
    """Run scenarios on real threads. The log goes to stdout as JSON lines, a summary to stderr.

    Exit status: 0 as the file expects, 1 not, 2 wrong file or command line, 3 incomplete, 4 the output or scenrun
    failed, 130 and 143 on SIGINT and SIGTERM, 141 when stdout was closed.
    """
    overrides = overrides_of(options["sets"])
    loaded = [(file, load(file, overrides)) for file in files]
    for _, one in loaded:
        if options["allow_python"] and os.getcwd() not in sys.path:
            sys.path.insert(0, os.getcwd())
        check_calls(one.program, options["allow_python"])
    _refuse_own_files(files, options["log"])
    command = _Command(options)
    programs = [one.program for _, one in loaded]
    with command.signals(), _switch_interval(options["switch_interval"], programs):
        statuses = [command.run_file(file, one) for file, one in loaded if not command.is_ended]
    return command.status(statuses)


@contextmanager
def _switch_interval(text: str | None, programs: list[Program]) -> Iterator[None]:
    """The interpreter's switch interval as asked for; for very many threads, long enough that they get anything done."""
    before = sys.getswitchinterval()
    nanoseconds = time_limit_ns(text, "--switch-interval")
    if nanoseconds is not None:
        sys.setswitchinterval(nanoseconds / 1e9)
    elif max(sum(group.count or 1 for group in program.groups) for program in programs) > MANY_THREADS:
        sys.setswitchinterval(MANY_SWITCH_S)
    yield
    sys.setswitchinterval(before)


def _refuse_own_files(files: tuple[str, ...], log: str) -> None:
    """A log replaces what its file had; that must not be a scenario."""
    for file in files:
        if "-" not in (file, log) and os.path.exists(log) and os.path.samefile(file, log):
            raise UsageError(f"--log {log} would replace the scenario; choose another file")


class _Command:
    """What one call of `run` keeps between its runs."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.level: str = options["level"]
        self.limit = time_limit_ns(options["time_limit"], "--time-limit")
        self.signal: str | None = None
        self.closed = False
        self.output = open_output(options["log"], each_line=options["flush"] == "line")

    @property
    def is_ended(self) -> bool:
        """Whether a signal or a closed pipe ended everything."""
        return self.signal is not None or self.closed

    def run_file(self, file: str, loaded: Loaded) -> int:
        """Run one file, as often as asked for; its exit status."""
        try:
            if self.options["repeat"] is None and self.options["until"] is None:
                return self._once(file, loaded)
            return self._many(file, loaded)
        except OutputClosed:
            self.closed = True
            return EXIT_CLOSED

    def _once(self, file: str, loaded: Loaded) -> int:
        result = self._run(loaded, self.options["seed"])
        if not (self.options["quiet"] and result.ok):
            say(describe(result, self._again(file), self.level))
        self._leave_if_stuck(result)
        return _status(result)

    def _again(self, file: str) -> str:
        """The command that runs this program again, up to its seed and level."""
        words = ["scenrun", file]
        for text in self.options["sets"]:
            words += ["--set", text]
        for option in ("time_limit", "switch_interval"):
            if self.options[option] is not None:
                words += [f"--{option.replace('_', '-')}", self.options[option]]
        return shlex.join(words + ["--allow-python"] * self.options["allow_python"])

    def _many(self, file: str, loaded: Loaded) -> int:
        tally = Tally(loaded.name, self.options["until"])
        first = self.options["seed"] if self.options["seed"] is not None else loaded.program.seed
        repeat = self.options["repeat"]
        began = time.time_ns()
        while (repeat is None or tally.runs < repeat) and not tally.is_found and not self.is_ended:
            result = self._run(loaded, first + tally.runs)
            tally.add(result)
            self._leave_if_stuck(result)
        recorder = self._recorder(secrets.token_hex(6), loaded)
        recorder.wall_ns, recorder.began_ns = began, 0
        recorder.event(time.time_ns() - began, "tally.finished", tally.fields())
        self.output.close()
        if not (self.options["quiet"] and tally.ok):
            say(describe_tally(tally))
        return tally.status(EXIT_INCOMPLETE)

    def _run(self, loaded: Loaded, seed: int | None) -> RunResult:
        return run_program(
            loaded.program,
            lambda run_id: self._recorder(run_id, loaded),
            seed=seed,
            level=self.level,
            time_limit_ns=self.limit,
            interrupted=lambda: self.signal,
        )

    def _recorder(self, run_id: str, loaded: Loaded) -> Recorder:
        renderer: Any = render_json
        if self.options["format_"] == "console":
            is_terminal = self.options["log"] == "-" and sys.stdout.isatty()
            width = shutil.get_terminal_size((100, 24)).columns if is_terminal else None
            renderer = Console(loaded.program, colour=is_terminal and "NO_COLOR" not in os.environ, width=width)
        return Recorder(run_id, self.output, level=self.level, renderer=renderer, fields=loaded.program.log_fields)

    def _leave_if_stuck(self, result: RunResult) -> None:
        """Threads that would not leave must not keep the process: everything is written, and nothing else is left."""
        if result.notes.get("not_ended"):
            self.output.close()
            say(f"these threads would not leave: {', '.join(result.notes['not_ended'])}; ending the process")
            os._exit(self.status([_status(result)]))

    @contextmanager
    def signals(self) -> Iterator[None]:
        """SIGINT and SIGTERM end the run cleanly; a second one ends the process at once."""

        def note(number: int, _: Any) -> None:
            if self.signal is not None:
                os._exit(128 + number)
            self.signal = signal.Signals(number).name

        before = {s: signal.signal(s, note) for s in (signal.SIGINT, signal.SIGTERM)}
        yield
        for number, handler in before.items():
            signal.signal(number, handler)

    def status(self, statuses: list[int]) -> int:
        """The exit status of all files together: the signal's, or the worst."""
        if self.signal is not None:
            return 128 + int(signal.Signals[self.signal])
        return max(statuses, default=0)


def _status(result: RunResult) -> int:
    if result.verdict == "incomplete":
        return EXIT_INCOMPLETE
    return 0 if result.ok else 1
