"""A producer, a consumer and a queue of ten, with two JSON lines a message: scenrun beside hand-written scripts."""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from measuring import Table, at_least, main, peer, ratio, scenario
from throughput import Command, rates

SCENRUN, WARNING = "scenrun", "scenrun --level warning"
LOGGING, STRUCTLOG, MSGSPEC, BARE = "logging + json", "structlog + msgspec", "hand-buffered msgspec", "no log"


def contenders(folder: Path) -> dict[str, Command]:
    """Every contender, as the command line for so many messages."""

    def ours(level: str, count: int) -> list[str]:
        return scenario(
            "queue_pipeline",
            "--set",
            f"threads.producer.args.items={count}",
            "--level",
            level,
            "--log",
            str(folder / level),
        )

    def theirs(name: str, count: int) -> list[str]:
        return peer(f"pipeline_{name}", count, folder / name)

    return {
        SCENRUN: partial(ours, "info"),
        LOGGING: partial(theirs, "logging"),
        STRUCTLOG: partial(theirs, "structlog"),
        MSGSPEC: partial(theirs, "msgspec"),
        WARNING: partial(ours, "warning"),
        BARE: partial(theirs, "bare"),
    }


def measure(quick: bool) -> Table:
    """The table."""
    count = 40_000 if quick else 200_000
    with tempfile.TemporaryDirectory() as folder:
        found, idle = rates(contenders(Path(folder)), count, 3 if quick else 5)
    rows = [
        (
            name,
            f"{median(rate):,.0f}",
            f"{ratio(found[SCENRUN], rate):.2f}",
            f"{idle[name]:.2f}",
            f"{idle[name] + count / median(rate):.2f}",
        )
        for name, rate in found.items()
    ]
    goals = [
        at_least("scenrun / logging", ratio(found[SCENRUN], found[LOGGING]), 1.5),
        at_least("scenrun / structlog", ratio(found[SCENRUN], found[STRUCTLOG]), 1),
        at_least("scenrun --level warning / no log", ratio(found[WARNING], found[BARE]), 0.4),
    ]
    columns = ("", "messages/s", "scenrun is .. times", "start-up s", "whole s")
    return Table(f"Queue of 10, {count:,} messages, two JSON lines each, to a file", columns, rows, goals)


if __name__ == "__main__":
    main(measure)
