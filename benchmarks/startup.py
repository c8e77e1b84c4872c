"""What a command takes from the shell's point of view, beside an interpreter that does nothing."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from statistics import median

from measuring import Table, at_most, interleaved, main, scenario, scenrun, spend

STEPS = 1_000
TEN = (
    "set: {x: x + 1}",
    "log: 'x is {x}'",
    "acquire: guard",
    "set: {total: total + x}",
    "release: guard",
    "sleep: 1ms",
    "put: {queue: line, item: x}",
    "get: {queue: line, into: taken}",
    "assert: taken >= 0",
    "set_event: ready",
)


def long_file() -> str:
    """A scenario with a thousand steps of ten kinds."""
    steps = [f"      - {TEN[number % len(TEN)]}" for number in range(STEPS - 1)]
    head = [
        "scenario: long",
        "sync: {guard: lock, line: queue, ready: event}",
        "state: {total: 0}",
        "threads:",
        "  worker:",
        "    do:",
    ]
    return "\n".join([*head, "      - set: {x: 0}", *steps, ""])


def measure(quick: bool) -> Table:
    """The table."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "long.yaml"
        path.write_text(long_file(), encoding="utf-8")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "scenrun --help": [*scenrun(), "--help"],
            "scenrun, a trivial scenario": scenario("trivial"),
            f"scenrun validate, {STEPS:,} steps": [*scenrun(), "validate", str(path)],
        }
        contenders = {name: lambda c=command: spend(c).wall_s * 1000 for name, command in commands.items()}
        found = interleaved(contenders, 5 if quick else 15)
    middle = {name: median(each) for name, each in found.items()}
    rows = [(name, f"{middle[name]:.0f}", f"{min(each):.0f}") for name, each in found.items()]
    limits = (100, 300, 300)
    goals = [at_most(name, middle[name], limit, "ms") for name, limit in zip(list(middle)[1:], limits, strict=True)]
    return Table("Start-up", ("", "median ms", "least ms"), rows, goals)


if __name__ == "__main__":
    main(measure)
