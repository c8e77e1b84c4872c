"""Runs commands side by side, turn by turn, and prints what they took; knows nothing of what they do."""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import Any

HERE = Path(__file__).parent
SCENARIOS, PEERS = HERE / "scenarios", HERE / "peers"


ENVIRONMENT = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
"""Every process may keep its compiled modules, as an installed program does; the first to start makes them."""


@dataclass(frozen=True, slots=True)
class Spent:
    """What one process took."""

    wall_s: float
    peak_mb: float
    """The most memory that it had at once."""
    rss_mb: tuple[float, ...] = ()
    """Its memory over time, where somebody asked for it."""


@dataclass(frozen=True, slots=True)
class Goal:
    """What a table was made to show."""

    text: str
    found: str
    met: bool


@dataclass(frozen=True, slots=True)
class Table:
    """One benchmark's result: cells as people read them, and the goals."""

    title: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]]
    goals: list[Goal] = field(default_factory=list)

    def text(self) -> str:
        """The table in columns, the goals below."""
        cells = [self.columns, *self.rows]
        widths = [max(len(row[i]) for row in cells) for i in range(len(self.columns))]
        lines = [self.title, *("  " + _line(row, widths) for row in cells)]
        lines += [f"  {'met    ' if goal.met else 'NOT MET'}  {goal.text}: {goal.found}" for goal in self.goals]
        return "\n".join(lines)


def _line(row: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = (
        f"{cell:<{w}}" if i == 0 else f"{cell:>{w}}" for i, (cell, w) in enumerate(zip(row, widths, strict=True))
    )
    return "  ".join([first, *others]).rstrip()


def scenrun() -> list[str]:
    """The command line of the scenrun that belongs to this interpreter."""
    program = Path(sys.executable).with_name("scenrun")
    return [str(program)] if program.exists() else [sys.executable, "-m", "scenrun"]


def scenario(name: str, *more: str) -> list[str]:
    """The command line that runs one of the benchmarks' scenarios."""
    return [*scenrun(), "run", str(SCENARIOS / f"{name}.yaml"), "--quiet", *more]


def peer(name: str, *arguments: object) -> list[str]:
    """The command line of a hand-written script."""
    return [sys.executable, str(PEERS / f"{name}.py"), *map(str, arguments)]


def spend(command: list[str], *, every_s: float | None = None) -> Spent:
    """Run a process to its end. With `every_s`, look at its memory so often."""
    began = time.perf_counter()
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    seen: list[float] = []
    status = None
    if every_s is not None:
        while (ended := os.wait4(process.pid, os.WNOHANG))[0] == 0:
            seen.append(rss_mb(process.pid))
            time.sleep(every_s)
        _, status, usage = ended
    else:
        _, status, usage = os.wait4(process.pid, 0)
    wall_s = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"exit status {process.returncode}: {' '.join(command)}")
    scale = 2**20 if sys.platform == "darwin" else 2**10
    return Spent(wall_s, usage.ru_maxrss / scale, tuple(seen))


def rss_mb(pid: int) -> float:
    """The memory that a process has now."""
    found = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return int(found.stdout.strip() or 0) / 2**10


def interleaved(contenders: dict[str, Callable[[], Any]], times: int) -> dict[str, list[Any]]:
    """Every contender once, then all of them again, each round beginning with another one.

    Whoever has something to prepare at its first start prepares it in the first round: use the median.
    """
    found: dict[str, list[Any]] = {name: [] for name in contenders}
    names = list(contenders)
    for turn in range(times):
        first = turn % len(names)
        for name in names[first:] + names[:first]:
            found[name].append(contenders[name]())
    return found


def ratio(ones: list[float], others: list[float]) -> float:
    """How many times the others the ones are: the median over rounds, as neighbours in time are alike."""
    return median(one / other for one, other in zip(ones, others, strict=True))


def at_least(what: str, found: float, wanted: float) -> Goal:
    """A goal that a ratio reaches."""
    return Goal(f"{what} >= {wanted:g}", f"{found:.2f}", found >= wanted)


def at_most(what: str, found: float, wanted: float, unit: str) -> Goal:
    """A goal that a figure stays below."""
    return Goal(f"{what} < {wanted:g} {unit}", f"{found:.3g} {unit}", found < wanted)


def machine() -> dict[str, Any]:
    """Where the figures come from."""
    return {"python": platform.python_version(), "platform": platform.platform(), "cpus": os.cpu_count() or 1}


def main(*measures: Callable[[bool], Table]) -> None:
    """The command line of every benchmark."""
    parser = argparse.ArgumentParser(description="Measures scenrun beside hand-written scripts, in one run.")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    options = parser.parse_args()
    tables = []
    for measure in measures:
        table = measure(options.quick)
        tables.append(table)
        if not options.json:
            print(table.text(), end="\n\n", flush=True)
    if options.json:
        print(
            json.dumps({**machine(), "quick": options.quick, "tables": [asdict(table) for table in tables]}, indent=2)
        )
