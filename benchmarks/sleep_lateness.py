"""How late a thread comes out of `sleep: 1ms`, seen from the time between two lines of its log."""

from __future__ import annotations

import json
import subprocess
import tempfile
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

from measuring import Table, at_most, interleaved, main, peer, scenario, spend

SLEEP_MS = 1.0


def ours(count: int) -> list[float]:
    """Milliseconds between the lines of the log, beyond the sleep."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        spend(scenario("sleeper", "--set", f"threads.sleeper.args.times={count}", "--log", str(log)))
        events = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    moments = [event["elapsed_s"] for event in events if event["event"] == "message"]
    return [(after - before) * 1000 - SLEEP_MS for before, after in pairwise(moments)]


def bare(count: int) -> list[float]:
    """The same of `time.sleep` in a script."""
    printed = subprocess.run(peer("sleep_bare", count), capture_output=True, text=True, check=True).stdout
    moments: list[float] = json.loads(printed)
    return [(after - before) * 1000 - SLEEP_MS for before, after in pairwise(moments)]


def measure(quick: bool) -> Table:
    """The table."""
    count = 500 if quick else 2_000
    rounds = interleaved({"scenrun": lambda: ours(count), "time.sleep in a script": lambda: bare(count)}, 3)
    late = {name: [one for found in each for one in found] for name, each in rounds.items()}
    rows = [(name, f"{median(each):.3f}", f"{quantiles(each, n=100)[98]:.3f}") for name, each in late.items()]
    goals = [at_most("median lateness", median(late["scenrun"]), 0.3, "ms")]
    return Table(f"sleep: 1ms, {count:,} times, how late", ("", "median ms", "99 % ms"), rows, goals)


if __name__ == "__main__":
    main(measure)
