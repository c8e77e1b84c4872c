"""Two threads that hand a value over through two locks, without a log: scenrun beside the bare script."""

from __future__ import annotations

from statistics import median

from measuring import Table, at_least, main, peer, ratio, scenario
from throughput import rates


def ours(count: int) -> list[str]:
    """Scenrun's command line for so many hand-overs."""
    return scenario(
        "handover", "--set", f"threads.sender.args.count={count}", "--level", "warning", "--log", "/dev/null"
    )


def bare(count: int) -> list[str]:
    """The script's."""
    return peer("handover_bare", count)


def measure(quick: bool) -> Table:
    """The table."""
    count = 40_000 if quick else 200_000
    found, idle = rates({"scenrun --level warning": ours, "bare script": bare}, count, 3 if quick else 5)
    ones, others = found.values()
    rows = [(name, f"{median(rate):,.0f}", f"{idle[name]:.2f}") for name, rate in found.items()]
    goals = [at_least("scenrun / bare script", ratio(ones, others), 0.5)]
    return Table(
        f"Two threads, two locks, {count:,} hand-overs, no log", ("", "hand-overs/s", "start-up s"), rows, goals
    )


if __name__ == "__main__":
    main(measure)
