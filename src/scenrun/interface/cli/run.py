"""`scenrun run`: runs scenarios on real threads, once or many times."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from scenrun.execution.threads.run_program import run_program
from scenrun.interface.cli.repeated_run import Running, load_all, shared_options
from scenrun.interface.cli.shared_options import seed_option
from scenrun.language.time_limit import time_limit_ns
from scenrun.program.ir import Program
from scenrun.program.loaded import Loaded
from scenrun.program.results import RunRecord

MANY_THREADS, MANY_SWITCH_S = 1_000, 0.1
"""Each thread that waits for the GIL wakes up once per switch interval: thousands of them would do nothing else."""


@click.command("run")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(allow_dash=True))
@seed_option
@click.option("--time-limit", metavar="DURATION", help="End a run after so much time (10s); replaces the file's limit.")
@click.option("--switch-interval", metavar="DURATION",
              help="How often the interpreter switches threads; 5ms, and 100ms for more than 1,000 threads.")  # fmt: skip
@shared_options
def run_command(files: tuple[str, ...], **options: Any) -> int:
    """Run scenarios on real threads. The log goes to stdout as JSON lines, a summary to stderr.

    Exit status: 0 as the file expects, 1 not, 2 wrong file or command line, 3 incomplete, 4 the output or scenrun
    failed, 130 and 143 on SIGINT and SIGTERM, 141 when stdout was closed.
    """
    loaded = load_all(files, options)
    command = _Real(options)
    programs = [one.program for _, one in loaded]
    with command.signals, _switch_interval(options["switch_interval"], programs):
        statuses = [command.run_file(file, one) for file, one in loaded if not command.is_ended]
    return command.status(statuses)


class _Real(Running):
    """Runs scenarios on real threads."""

    again_options = ("time_limit", "switch_interval")
    remark = " (threads may take other turns)"

    def run_once(self, loaded: Loaded, seed: int | None) -> RunRecord:
        """Runs a scenario on real threads."""
        return run_program(
            loaded.program,
            lambda run_id: self.recorder(run_id, loaded),
            seed=seed,
            level=self.level,
            time_limit_ns=self.limit,
            interrupted=lambda: self.signals.name,
        )


@contextmanager
def _switch_interval(text: str | None, programs: list[Program]) -> Iterator[None]:
    """Sets the interpreter's switch interval in the body: the given one, or a long one for very many threads."""
    before = sys.getswitchinterval()
    nanoseconds = time_limit_ns(text, "--switch-interval")
    if nanoseconds is not None:
        sys.setswitchinterval(nanoseconds / 1e9)
    elif max(sum(group.count or 1 for group in program.groups) for program in programs) > MANY_THREADS:
        sys.setswitchinterval(MANY_SWITCH_S)
    yield
    sys.setswitchinterval(before)
