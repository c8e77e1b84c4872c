"""The memory of a run with a very long log: flat, or growing with the log."""

from __future__ import annotations

from statistics import median

from measuring import Goal, Table, main, scenario, spend

PARTS = 5
ALLOWED_MB = 10.0


def measure(quick: bool) -> Table:
    """The table: the memory in each fifth of the time, the last moments left out."""
    messages = 500_000 if quick else 5_000_000
    command = scenario("queue_pipeline", "--set", f"threads.producer.args.items={messages}", "--log", "/dev/null")
    command += ["--time-limit", "1h"]
    spent = spend(command, every_s=0.1 if quick else 0.5)
    size = len(spent.rss_mb) // PARTS
    parts = [median(spent.rss_mb[size * i : size * (i + 1)]) for i in range(PARTS)]
    grown = parts[-1] - parts[1]
    rows = [(f"{i + 1}. fifth of the time", f"{part:.1f}") for i, part in enumerate(parts)]
    rows += [("largest", f"{spent.peak_mb:.1f}"), ("whole s", f"{spent.wall_s:.1f}")]
    goal = Goal(f"growth from the second to the last fifth < {ALLOWED_MB:g} MB", f"{grown:.1f} MB", grown < ALLOWED_MB)
    return Table(f"Memory over a log of {2 * messages:,} lines", ("", "MB"), rows, [goal])


if __name__ == "__main__":
    main(measure)
