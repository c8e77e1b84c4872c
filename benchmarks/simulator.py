"""The simulator beside SimPy 4, turn by turn in one run; what a sleeping thread takes, and what a step costs beside many."""

from __future__ import annotations

import subprocess
import sys
from statistics import median

from measuring import ENVIRONMENT, SCENARIOS, Table, at_least, at_most, interleaved, main, peer, ratio, scenrun, spend

CHILD = """
import sys, time
from scenrun.program.loaded import load
from scenrun.execution.simulator.simulate_program import simulate_program
from scenrun.trace.recorder import Recorder
overrides = {"threads.sleeper.count": int(sys.argv[2])} if len(sys.argv) > 2 else None
program = load(sys.argv[1], overrides=overrides).program
began = time.perf_counter()
result = simulate_program(program, lambda run: Recorder(run, None, level="critical"), level="critical")
assert result.verdict == "holds"
print(time.perf_counter() - began)
"""
PAIRS = (
    ("store of ten, 200,000 items", "sim_store", ("store",), 200_000),
    ("1,000 threads hold one lock 10 times", "sim_resource_1000", ("resource", 1_000, 10), 10_000),
    ("10,000 threads hold one lock twice", "sim_resource_10000", ("resource", 10_000, 2), 20_000),
)


def ours(name: str, *more: object) -> list[str]:
    """A process that simulates one of the benchmarks' scenarios and prints the seconds it took."""
    return [sys.executable, "-c", CHILD, str(SCENARIOS / f"{name}.yaml"), *map(str, more)]


def seconds(command: list[str]) -> float:
    """What a process prints."""
    done = subprocess.run(command, capture_output=True, text=True, env=ENVIRONMENT, check=True)
    return float(done.stdout)


def beside_simpy(quick: bool) -> Table:
    """Items a second of both, the log off."""
    rows, goals = [], []
    for title, name, arguments, items in PAIRS:
        found = interleaved(
            {
                "ours": lambda name=name: items_of(items, ours(name)),  # type: ignore[misc]  # noqa: B023
                "simpy": lambda arguments=arguments: items_of(items, peer("simpy_peers", *arguments)),  # type: ignore[misc]  # noqa: B023
            },
            3 if quick else 9,
        )
        rows.append((title, *(f"{median(found[who]):,.0f}" for who in ("ours", "simpy"))))
        goals.append(at_least(f"{title}: scenrun / SimPy", ratio(found["ours"], found["simpy"]), 1))
    return Table("Simulated items a second, log off", ("", "scenrun simulate", "SimPy 4"), rows, goals)


def items_of(items: int, command: list[str]) -> float:
    """Items a second."""
    return items / seconds(command)


def many_threads(quick: bool) -> Table:
    """Memory and time of threads that sleep and take one lock, 10 to 100,000 of them."""
    rows, memory = [], {}
    for count in (10, 100, 1_000, 10_000, 100_000):
        command = ours("sim_lock_many", count)
        taken = median(seconds(command) for _ in range(1 if quick or count > 10_000 else 3))
        memory[count] = spend(command).peak_mb
        rows.append((f"{count:,}", f"{taken:.3f}", f"{taken / count * 1e6:.1f}", f"{memory[count]:.0f}"))
    bytes_each = (memory[100_000] - memory[10]) * 2**20 / 99_990
    goals = [at_most("memory of a thread", bytes_each, 1_500, "bytes")]
    return Table("Simulated threads that sleep and take one lock", ("threads", "s", "us a thread", "MB"), rows, goals)


def lines(quick: bool) -> Table:
    """The tutorial's pipeline with two lines a message, to a file."""
    stop = "5s" if quick else "100s"
    command = [
        *scenrun(), "simulate", str(SCENARIOS.parent.parent / "scenarios" / "queue_pipeline.yaml"), "--quiet",
        "--log", "simulated.jsonl", "--set", f"stop={stop}", "--step-cost", "100us",
    ]  # fmt: skip
    wall_s = spend(command).wall_s
    count = int(
        subprocess.run(["wc", "-l", "simulated.jsonl"], capture_output=True, text=True, check=True).stdout.split()[0]
    )
    subprocess.run(["rm", "simulated.jsonl"], check=True)
    rate = count / wall_s
    return Table(
        f"queue_pipeline for {stop} of virtual time, two lines a message, to a file", ("lines", "s", "lines/s"),
        [(f"{count:,}", f"{wall_s:.1f}", f"{rate:,.0f}")], [at_least("lines/s", rate, 100_000)],
    )  # fmt: skip


if __name__ == "__main__":
    main(beside_simpy, many_threads, lines)
