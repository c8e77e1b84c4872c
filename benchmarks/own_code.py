"""The search of code beside frontrun and interleave-test: random schedules per CPU second, a proof, and what hooks cost.

python benchmarks/own_code.py [--quick] [--json]      with `pip install frontrun interleave-test`, else without these
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from measuring import PEERS, Goal, Table, main, peer

sys.path.insert(0, str(PEERS))

import threaded_works as works

import scenrun
from scenrun.own_code.hooking.compiling import instrumented
from scenrun.own_code.hooking.hook_names import HOOKS

GOALS = {"one": 12_000, "one_locked": 10_000, "hundred": 600}
"""Schedules per CPU second, by work."""
LOOP = "def turns(s):\n    for _ in range(100_000):\n        s.n = s.n + 1\n"


def ours(work: str, schedules: int) -> float:
    """Random schedules per CPU second."""
    setup, threads = works.WORKS[work]
    began = time.process_time()
    found = scenrun.explore_code(setup, threads, strategy="random", schedules=schedules)
    return found.schedules / (time.process_time() - began)


def theirs(script: str, *arguments: object) -> float | None:
    """The same of a peer; None where it is not installed."""
    if find_spec(script.partition("_")[0] if script.startswith("frontrun") else "interleave_test") is None:
        return None
    command = peer(script, *arguments)
    if script.startswith("frontrun"):
        command = [str(Path(sys.executable).with_name("frontrun")), *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        return None
    said: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return float(said["schedules"] / said["cpu_s"]) if said.get("schedules") else None


def measure(quick: bool) -> Table:
    """Random schedules."""
    rows, goals = [], []
    for work, wanted in GOALS.items():
        count = (200 if work == "hundred" else 2_000) // (4 if quick else 1)
        rate = ours(work, count)
        frontrun = theirs("frontrun_schedules", work, "random", count)
        interleave = theirs("interleave_schedules", work, "random", count, 1)
        shown = [f"{rate:,.0f}", *("-" if one is None else f"{one:,.0f}" for one in (frontrun, interleave))]
        rows.append((work.replace("_", " "), *shown))
        goals.append(Goal(f"{work}: at least {wanted:,}/CPU s", f"{rate:,.0f}/CPU s", rate >= wanted))
    return Table(
        "Random schedules of code per CPU second", ("work", "scenrun", "frontrun", "interleave-test"), rows, goals
    )


def proof(quick: bool) -> Table:
    """A locked counter of four threads, as a whole process."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import scenrun; "
        "print(scenrun.explore_code('threaded_works:Additions', ['threaded_works:Additions.one_locked'] * 4))"
    )
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", program, str(PEERS)], capture_output=True, text=True, timeout=60, check=True
    )
    spent = time.perf_counter() - began
    goals = [Goal("proved within 1 s", f"{spent:.2f} s", done.stdout.startswith("holds") and spent <= 1)]
    return Table(
        "Four threads, one lock: the proof", ("verdict", "s"), [(done.stdout.split()[0], f"{spent:.2f}")], goals
    )


def idle_hooks(quick: bool) -> Table:
    """What hooks cost where nothing is searched."""

    class Number:
        n = 0

    spent = {}
    for name, code in {"plain": compile(LOOP, "loop", "exec"), "with hooks": instrumented(LOOP, "loop")}.items():
        import builtins

        module: dict[str, Any] = {"__builtins__": {**vars(builtins), **HOOKS}}
        exec(code, module)
        rounds = []
        for _ in range(3 if quick else 7):
            began = time.process_time()
            module["turns"](Number())
            rounds.append(time.process_time() - began)
        spent[name] = min(rounds)
    times = spent["with hooks"] / spent["plain"]
    rows = [(name, f"{seconds * 1e9 / 100_000:.0f}") for name, seconds in spent.items()]
    return Table(
        "Hooks where nothing is searched",
        ("s.n = s.n + 1", "ns"),
        rows,
        [Goal("at most 10 x", f"{times:.1f} x", times <= 10)],
    )


if __name__ == "__main__":
    main(measure, proof, idle_hooks)
