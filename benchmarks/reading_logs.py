"""What reading a log of a million lines takes: each command that reads logs, beside jq, DuckDB and pandas adding up its waits."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from importlib.util import find_spec
from pathlib import Path
from shlex import join
from statistics import median

from measuring import SCENARIOS, Goal, Spent, Table, at_most, interleaved, main, peer, ratio, scenrun, spend

LINES_PER_ITEM = 7
SUM = """
reduce (inputs | select(.waited_s > 0)) as $e ({}; .["\\($e.thread) \\($e.object)"] += $e.waited_s)
"""
STATS, PIPED, JQ = "scenrun stats", "scenrun stats, from a pipe", "jq: waits"


def log_of(lines: int, folder: Path) -> Path:
    """The debug log of a simulated queue pipeline, about so long."""
    out = folder / f"{lines}.jsonl"
    items = f"threads.producer.args.items={lines // LINES_PER_ITEM}"
    command = [*scenrun(), "simulate", str(SCENARIOS / "queue_pipeline.yaml"), "--set", items, "--quiet",
               "--level", "debug", "--log", str(out)]  # fmt: skip
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return out


def commands(log: Path, part: Path, folder: Path) -> dict[str, list[str]]:
    """What is measured; `part` is the shorter log for a page."""
    out = {name: str(folder / name) for name in ("trace.json", "log.parquet", "log.duckdb", "page.html")}
    found = {
        STATS: [*scenrun(), "stats", str(log)],
        PIPED: ["sh", "-c", f"cat {join([str(log)])} | {join([*scenrun(), 'stats'])}"],
        "scenrun timeline": [*scenrun(), "timeline", str(log)],
        "scenrun trace": [*scenrun(), "trace", str(log), "--force", "-o", out["trace.json"]],
        "scenrun report, of a tenth": [*scenrun(), "report", str(part), "--force", "-o", out["page.html"]],
        "Python's json: waits": peer("waits", "json", log),
    }
    if find_spec("duckdb"):
        for name in ("log.parquet", "log.duckdb"):
            found[f"scenrun export, {Path(name).suffix}"] = [
                *scenrun(), "export", str(log), "--force", "-o", out[name],
            ]  # fmt: skip
        found["DuckDB: waits"] = peer("waits", "duckdb", log)
    if find_spec("pandas"):
        found["pandas: waits"] = peer("waits", "pandas", log)
    if shutil.which("jq"):
        found[JQ] = ["jq", "-n", SUM, str(log)]
    return found


def measure(quick: bool) -> Table:
    """Wall time and peak memory of each."""
    lines, times = (100_000, 1) if quick else (1_000_000, 3)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        log, part = log_of(lines, folder), log_of(lines // 10, folder)
        megabytes = log.stat().st_size / 1e6
        found = interleaved(
            {what: lambda command=command: spend(command) for what, command in commands(log, part, folder).items()},  # type: ignore[misc]
            times,
        )
    rows = [(what, f"{wall_s(spent):.2f}", f"{peak_mb(spent):.0f}") for what, spent in found.items()]
    title = f"A log of {lines:,} lines ({megabytes:.0f} MB), of a simulated queue pipeline at debug level"
    return Table(title, ("", "wall s", "peak MB"), rows, goals_of(found))


def wall_s(spent: list[Spent]) -> float:
    """The median over rounds."""
    return median(one.wall_s for one in spent)


def peak_mb(spent: list[Spent]) -> float:
    """The most of all rounds."""
    return max(one.peak_mb for one in spent)


def goals_of(found: dict[str, list[Spent]]) -> list[Goal]:
    """All figures of a million lines in ten seconds and little memory, and in at most twice what jq takes for one sum."""
    goals = []
    for what in (STATS, PIPED):
        goals += [at_most(what, wall_s(found[what]), 10, "s"), at_most(what, peak_mb(found[what]), 300, "MB")]
    if JQ in found:
        walls = [[one.wall_s for one in found[what]] for what in (STATS, JQ)]
        goals.append(at_most("scenrun stats / jq", ratio(*walls), 2, "times"))
    return goals


if __name__ == "__main__":
    main(measure)
