"""The base of commands that run scenarios: single and repeated runs, signals, summaries, exit statuses."""

from __future__ import annotations

import os
import shutil
import sys
import time
from abc import ABC, abstractmethod
from typing import Any

import click

from scenrun.errors import UsageError
from scenrun.interface.cli.exit_status import EXIT_CLOSED, EXIT_INCOMPLETE
from scenrun.interface.cli.options import load, overrides_of, warn
from scenrun.interface.cli.shared_options import expect_option, recording_options, set_option, strict_option, together
from scenrun.interface.cli.signals import Signals
from scenrun.interface.cli.streams import has_colour, say
from scenrun.language.expect import VERDICTS
from scenrun.language.time_limit import time_limit_ns
from scenrun.program.loaded import Loaded
from scenrun.program.results import RunRecord
from scenrun.program.tally import Tally
from scenrun.program.user_python import check_calls, import_from_here
from scenrun.report.outcome import describe, describe_tally
from scenrun.report.rerun_command import Command
from scenrun.trace.recorder import OutputClosed, Recorder, open_output, render_json

UNTIL = (*(v for v in VERDICTS if v not in ("race", "livelock")), "incomplete", "finding")
shared_options = together(
    set_option,
    strict_option,
    expect_option,
    click.option("--repeat", type=click.IntRange(1), metavar="N", help="Run N times; run i uses seed + i. Ends with a tally."),
    click.option("--until", type=click.Choice(UNTIL),
                 help="Repeat until this verdict, or any finding, has come, at most N times with --repeat; 0 if it came."),
    recording_options,
)  # fmt: skip
"""The options of commands that run scenarios."""


def load_all(files: tuple[str, ...], options: dict[str, Any], output: str = "log") -> list[tuple[str, Loaded]]:
    """The scenarios of all files; refuses an output file, which the option `output` names, that is one of them."""
    overrides = overrides_of(options["sets"])
    loaded = [(file, load(file, overrides, options["expect"], strict=options["strict"])) for file in files]
    for _, one in loaded:
        if not options["quiet"]:
            warn(one)
        import_from_here(options["allow_python"])
        check_calls(one.program, options["allow_python"])
    if options[output] is not None:
        refuse_own_files(own_files(files, options), options[output], f"--{output}")
    return loaded


def own_files(files: tuple[str, ...], options: dict[str, Any]) -> tuple[str, ...]:
    """The user's files that a command reads."""
    return files if options["expect"] is None else (*files, options["expect"])


def refuse_own_files(files: tuple[str, ...], path: str, option: str) -> None:
    """Raises UsageError if an output path is one of the user's files, which it would replace."""
    for file in files:
        if "-" not in (file, path) and os.path.exists(path) and os.path.samefile(file, path):
            raise UsageError(f"{option} {path} would replace the scenario; choose another file")


class Running(ABC):
    """The state of one call of a command, across its runs. Each command defines how it runs a scenario once."""

    again_options: tuple[str, ...] = ()
    """Options that the command for the same run must repeat."""
    verb = ""
    """The command's name in that command; empty for `run`."""
    remark = ""
    """A remark on repeating the run."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.options = options
        self.level: str = options["level"]
        self.limit = time_limit_ns(options["time_limit"], "--time-limit")
        self.signals = Signals()
        self.closed = False
        self.output = open_output(options["log"], each_line=options["flush"] == "line")

    @property
    def is_ended(self) -> bool:
        """Whether a signal or a closed pipe has ended the command."""
        return self.signals.name is not None or self.closed

    def run_file(self, file: str, loaded: Loaded) -> int:
        """Runs one file, once or repeatedly; returns its exit status."""
        try:
            if self.options["repeat"] is None and self.options["until"] is None:
                return self._once(file, loaded)
            return self._many(file, loaded)
        except OutputClosed:
            self.closed = True
            return EXIT_CLOSED

    def _once(self, file: str, loaded: Loaded) -> int:
        result = self.run_once(loaded, self.options["seed"])
        if not (self.options["quiet"] and result.ok):
            said = describe(result, self._again(file, result), self.level, self.remark, seen=self._is_watched)
            if said:
                say(said)
        self._leave_if_stuck(result)
        return _status(result)

    @property
    def _is_watched(self) -> bool:
        """Whether the console log is on the same terminal as stderr, so that the summary need not repeat it."""
        on_terminal = self.options["log"] == "-" and sys.stdout.isatty() and sys.stderr.isatty()
        return self.options["format_"] == "console" and on_terminal

    def _again(self, file: str, result: RunRecord) -> str:
        """The command that repeats the run, without the level."""
        given = self.options
        options = {"set": given["sets"], "expect": given["expect"] or None}
        options |= {name: given[name] for name in self.again_options}
        seed = result.seed if given.get("schedule") is None else None
        return str(Command(self.verb, file, {**options, "seed": seed, "allow_python": given["allow_python"]}))

    def _many(self, file: str, loaded: Loaded) -> int:
        tally = Tally(loaded.name, self.options["until"])
        first = self.options["seed"] if self.options["seed"] is not None else loaded.program.seed
        repeat = self.options["repeat"]
        began = self.now_ns()
        while (repeat is None or tally.runs < repeat) and not tally.is_found and not self.is_ended:
            result = self.run_once(loaded, first + tally.runs)
            tally.add(result)
            self._leave_if_stuck(result)
        self._record_tally(loaded, tally, first, began)
        if not (self.options["quiet"] and tally.ok):
            say(describe_tally(tally))
        return tally.status(EXIT_INCOMPLETE)

    def _record_tally(self, loaded: Loaded, tally: Tally, first: int, began_ns: int) -> None:
        """Writes the last line of several runs, and closes the log."""
        recorder = self.recorder(self.tally_id(loaded, first), loaded)
        recorder.wall_ns, recorder.began_ns = began_ns, 0
        recorder.event(self.now_ns() - began_ns, "tally.finished", tally.fields())
        self.output.close()

    def now_ns(self) -> int:
        """The time for the `tally.finished` line, in nanoseconds since 1970."""
        return time.time_ns()

    def tally_id(self, loaded: Loaded, first: int) -> str:
        """The run identifier of the `tally.finished` line; `first` is the first run's seed."""
        return os.urandom(6).hex()

    @abstractmethod
    def run_once(self, loaded: Loaded, seed: int | None) -> RunRecord:
        """Runs a scenario once."""

    def recorder(self, run_id: str, loaded: Loaded) -> Recorder:
        """The recorder of a run, with the renderer of `--format`."""
        renderer: Any = render_json
        if self.options["format_"] == "console":
            from scenrun.report.console import Console

            is_terminal = self.options["log"] == "-" and sys.stdout.isatty()
            width = shutil.get_terminal_size((100, 24)).columns if is_terminal else None
            renderer = Console(loaded.program, colour=is_terminal and has_colour(), width=width)
        return Recorder(
            run_id,
            self.output,
            level=self.level,
            renderer=renderer,
            fields=loaded.program.log_fields,
            flat=loaded.program.log_is_flat,
        )

    def _leave_if_stuck(self, result: RunRecord) -> None:
        """Ends the process, once all is written, if threads of a run do not end."""
        if result.notes.get("not_ended"):
            self.output.close()
            say(f"these threads would not leave: {', '.join(result.notes['not_ended'])}; ending the process")
            # An ordinary exit would wait for the threads that do not end.
            os._exit(self.status([_status(result)]))

    def status(self, statuses: list[int]) -> int:
        """The exit status for all files: the signal's, or the largest one."""
        return self.signals.status or max(statuses, default=0)


def _status(result: RunRecord) -> int:
    if result.verdict == "incomplete":
        return EXIT_INCOMPLETE
    return 0 if result.ok else 1
