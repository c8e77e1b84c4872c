"""`scenrun calibrate`: measures the costs of steps on this machine and writes them to a file."""

from __future__ import annotations

import os
import platform
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from scenrun.errors import OutputError
from scenrun.interface.cli.shared_options import quiet_option
from scenrun.interface.cli.streams import say, tell
from scenrun.language.durations import text as duration


@click.command("calibrate")
@click.option("-o", "--output", default="-", show_default=True, metavar="FILE",
              type=click.Path(allow_dash=True, dir_okay=False), help="Where the costs go; - is stdout.")  # fmt: skip
@click.option("--rounds", type=click.IntRange(1, 1_000), default=5, show_default=True, metavar="N",
              help="Measure everything so often, and take the median.")  # fmt: skip
@quiet_option
def calibrate_command(output: str, rounds: int, quiet: bool) -> int:
    """Measure what steps cost on this machine, in a file for `scenrun simulate --costs FILE`.

    It runs little scenarios on real threads for some seconds. Leave the machine alone meanwhile: what else runs is
    measured, too.
    """
    _check_writable(output)
    text = file_of(_measure(rounds, quiet), rounds)
    if output == "-":
        tell(text, newline=False)
        return 0
    try:
        Path(output).write_text(text, encoding="utf-8")
    except OSError as error:
        raise _unwritable(output, error) from None
    if not quiet:
        say(f"wrote {output}; use it with `scenrun simulate --costs {output} FILE`")
    return 0


def _check_writable(output: str) -> None:
    """Raises OutputError for a file that cannot be written, before the seconds of measuring, and without changing it."""
    if output == "-":
        return
    try:
        os.close(os.open(output, os.O_WRONLY | os.O_CREAT, 0o644))
    except OSError as error:
        raise _unwritable(output, error) from None


def _unwritable(output: str, error: OSError) -> OutputError:
    return OutputError(f"cannot write the costs to {output}: {error.strerror}", midway=False)


def _measure(rounds: int, quiet: bool) -> dict[str, int]:
    from scenrun.execution.calibration import calibrate
    from scenrun.program.loaded import load

    def progress(done: int, of: int) -> None:
        if not quiet:
            say(f"measured {done} of {of} rounds")

    return calibrate(lambda scenario: load(scenario).program, rounds=rounds, progress=progress)


def file_of(costs: dict[str, int], rounds: int) -> str:
    """The contents of the file: the circumstances of the measurement, and the costs."""
    from scenrun.execution.calibration import QUIET, TELLING

    lines = [
        "# What steps cost, for `scenrun simulate --costs`; measured by `scenrun calibrate`.",
        *(f"# {name}: {value}" for name, value in _circumstances(rounds).items()),
        f"# level: {QUIET}, the log to {os.devnull}; `log` itself at {TELLING}",
        "costs:",
        *(f"  {word}: {duration(nanoseconds)}" for word, nanoseconds in costs.items()),
    ]
    return "\n".join(lines) + "\n"


def _circumstances(rounds: int) -> dict[str, Any]:
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} processors, {platform.platform()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "switch interval": f"{sys.getswitchinterval() * 1e3:g} ms",
        "date": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "rounds": rounds,
    }
