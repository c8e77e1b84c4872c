"""The explorer beside its peers: musil, minicheck, frontrun, interleave-test, ploom and SPIN, in one run.

The peers in Python are those installed beside this interpreter (some of them need Python 3.13), SPIN is the `spin` of the
command line, with gcc. One that is not there is left out, and a line says so. `wall` is the clock's time, `cpu` the
processor's of a process and of all that it started; other work on the machine changes the first more than the second,
and ratios are between neighbours in time.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

from measuring import ENVIRONMENT, HERE, PEERS, SCENARIOS, Goal, Table, interleaved, main, peer, ratio, scenrun
from schedules import BUFFER, LOST_UPDATE, measure_jobs

PHILOSOPHERS, CONDITIONS = SCENARIOS / "explore_philosophers.yaml", SCENARIOS / "explore_buffer.yaml"
COLUMNS = ("", "states", "wall s", "cpu s", "states/s")
PATIENCE_S = 30
"""Seconds after which a peer that has found nothing is asked no longer."""


@dataclass(frozen=True, slots=True)
class Took:
    """What a contender took, once."""

    wall_s: float
    cpu_s: float
    said: dict[str, Any] = field(default_factory=dict)
    """What it printed; the seconds in it are those of the work alone."""

    @property
    def count(self) -> int:
        """States or schedules."""
        return int(self.said.get("states") or self.said.get("schedules") or 0)

    @property
    def rate(self) -> float | None:
        """States or schedules a second of the processor, without starting and loading, where that was told."""
        return self.count / self.said["cpu_s"] if "cpu_s" in self.said else None


Contender = Callable[[], Took]


def run(command: list[str], folder: str | None = None) -> tuple[Took, str]:
    """Run a process; what it and all that it waited for took, and what it printed."""
    began = time.perf_counter()
    with tempfile.TemporaryFile("w+") as kept, tempfile.TemporaryFile("w+") as errors:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=kept, stderr=errors, env=ENVIRONMENT, cwd=folder
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        for each in (kept, errors):
            each.seek(0)
        if process.returncode != 0:
            raise SystemExit(f"exit status {process.returncode}: {' '.join(command)}\n{errors.read()}")
        return Took(wall_s, usage.ru_utime + usage.ru_stime), kept.read()


def telling(command: list[str]) -> Contender:
    """A process that prints JSON."""

    def once() -> Took:
        took, printed = run(command)
        return Took(took.wall_s, took.cpu_s, json.loads(printed.strip().splitlines()[-1]))

    return once


def ours(path: Path, *arguments: object) -> Contender:
    """explored.py, which times the exploring without the loading."""
    return telling([sys.executable, str(HERE / "explored.py"), str(path), *map(str, arguments)])


def command_line(path: Path, *more: str) -> Contender:
    """`scenrun explore`, from the shell's point of view."""
    return telling([*scenrun(), "explore", str(path), "--json", "--quiet", *more])


def seats(number: int) -> list[str]:
    """The overrides for so many philosophers."""
    names = ("sync.forks.lock.count", "threads.philosopher.count", "threads.philosopher.args.seats")
    return [f"{name}={number}" for name in names]


# --- who is there


def among_installed(contenders: dict[str, tuple[str, list[str]]]) -> tuple[dict[str, Contender], str]:
    """Name -> the module that it needs, and its command: those that can run, and a sentence about the others."""
    there = {name: telling(command) for name, (module, command) in contenders.items() if find_spec(module)}
    return there, _left_out(sorted({module for module, _ in contenders.values() if not find_spec(module)}))


def _left_out(names: list[str]) -> str:
    return f" (left out, as not installed: {', '.join(names)})" if names else ""


def has_spin() -> bool:
    """Whether SPIN and a C compiler are there."""
    return all(shutil.which(program) for program in ("spin", "gcc"))


def spin(model: str, *flags: str) -> Contender:
    """SPIN's way to a verdict: make the verifier, compile it, search all states."""

    def once() -> Took:
        with tempfile.TemporaryDirectory() as folder:
            made, _ = run(["spin", "-a", str(PEERS / f"{model}.pml")], folder)
            compiled, _ = run(["gcc", "-O2", *flags, "-o", "pan", "pan.c"], folder)
            searched, printed = run(["./pan", "-c0", "-n", "-m100000"], folder)
        said = {
            "states": _number(printed, "states, stored"), "transitions": _number(printed, "transitions"),
            "cpu_s": searched.cpu_s, "wall_s": searched.wall_s, "compiling_s": made.wall_s + compiled.wall_s,
        }  # fmt: skip
        parts = (made, compiled, searched)
        return Took(sum(part.wall_s for part in parts), sum(part.cpu_s for part in parts), said)

    return once


def _number(text: str, after: str) -> int:
    found = re.search(rf"(\d+) {after}", text)
    assert found is not None, text
    return int(found[1])


# --- tables


Measured = dict[str, list[Took]]


def row(name: str, took: list[Took]) -> tuple[str, ...]:
    """States, the whole process' time, and states a second without starting."""
    walls, cpus = (median(getattr(each, what) for each in took) for what in ("wall_s", "cpu_s"))
    rate = "" if took[0].rate is None else f"{_rate(took):,.0f}"
    return (name, f"{took[0].count:,}", f"{walls:.2f}", f"{cpus:.2f}", rate)


def sooner(found: Measured, mine: str, other: str, said: str) -> Goal:
    """A goal that our whole process ends before another's, by the clock and by the processor."""
    clock, processor = (
        ratio([getattr(each, what) for each in found[other]], [getattr(each, what) for each in found[mine]])
        for what in ("wall_s", "cpu_s")
    )
    return Goal(f"{said} / scenrun > 1", f"wall {clock:.2f}, cpu {processor:.2f}", min(clock, processor) > 1)


def many(what: str, found: float, wanted: float) -> Goal:
    """A goal of so many."""
    return Goal(f"{what} >= {wanted:,g}", f"{found:,.0f}", found >= wanted)


def philosophers(quick: bool) -> Table:
    """Ten philosophers who eat for ever, all states."""
    contenders = {
        "scenrun explore": command_line(PHILOSOPHERS),
        "scenrun, --reduction off": ours(PHILOSOPHERS, "whole", "off"),
        "scenrun, only the states": ours(PHILOSOPHERS, "search", "-"),
        "scenrun, --reduction on": ours(PHILOSOPHERS, "whole", "on"),
    }
    others, left_out = among_installed({"musil": ("musil", peer("musil_states", "philosophers", 10))})
    contenders |= others
    if has_spin():
        contenders |= {"SPIN, unreduced": spin("philosophers", "-DNOREDUCE"), "SPIN": spin("philosophers")}
    else:
        left_out += _left_out(["spin with gcc"])
    found = interleaved(contenders, 3 if quick else 9)
    fewer = found["scenrun, --reduction off"][0].count / found["scenrun, --reduction on"][0].count
    goals = [
        many("states/s, unreduced, each with the one before it", _rate(found["scenrun, only the states"]), 300_000),
        many("states/s, unreduced, to the verdict and its story", _rate(found["scenrun, --reduction off"]), 300_000),
        many("times fewer states with reduction", fewer, 10),
    ]
    goals += [sooner(found, "scenrun explore", name, name) for name in ("SPIN", "SPIN, unreduced") if name in found]
    goals += _same(found, "scenrun, --reduction off", "musil", "SPIN, unreduced")
    title = f"Ten philosophers who eat for ever, all states{left_out}"
    return Table(title, COLUMNS, [*(row(name, each) for name, each in found.items()), *_parts(found)], goals)


def _parts(found: Measured) -> list[tuple[str, ...]]:
    """What SPIN's way consists of."""
    rows: list[tuple[str, ...]] = []
    for name in ("SPIN, unreduced", "SPIN"):
        if name in found:
            making = median(each.said["compiling_s"] for each in found[name])
            searching = median(each.said["wall_s"] for each in found[name])
            rows += [
                (f"  {name}: spin -a, gcc -O2", "", f"{making:.2f}", "", ""),
                (f"  {name}: ./pan", "", f"{searching:.2f}", "", ""),
            ]
    return rows


def _rate(took: list[Took]) -> float:
    return median(each.rate for each in took if each.rate is not None)


def _same(found: Measured, *names: str) -> list[Goal]:
    """Whether all count the same states, where there are several: they search the same model."""
    counts = {name: found[name][0].count for name in names if name in found}
    if len(counts) == 1:
        return []
    return [
        Goal("the same states for all", ", ".join(f"{n:,}" for n in counts.values()), len(set(counts.values())) == 1)
    ]


def buffer(quick: bool) -> Table:
    """A buffer of one from a lock and two conditions, all states."""
    contenders = {
        "scenrun explore": command_line(CONDITIONS),
        "scenrun explore, --reduction off": command_line(CONDITIONS, "--reduction", "off"),
        "scenrun, only the states": ours(CONDITIONS, "search", "-"),
    }
    others, left_out = among_installed(
        {"musil": ("musil", peer("musil_states", "buffer")), "minicheck": ("minicheck", peer("minicheck_states"))}
    )
    contenders |= others
    if has_spin():
        contenders |= {"SPIN, unreduced": spin("buffer", "-DNOREDUCE"), "SPIN": spin("buffer")}
    else:
        left_out += _left_out(["spin with gcc"])
    found = interleaved(contenders, 3 if quick else 9)
    goals = [sooner(found, "scenrun explore", name, name) for name in ("musil", "minicheck", "SPIN") if name in found]
    goals += _same(found, "scenrun explore, --reduction off", "musil", "minicheck", "SPIN, unreduced")
    title = f"A buffer of one from a lock and two conditions, 2 producers, 2 consumers, 4 items each{left_out}"
    return Table(title, COLUMNS, [*(row(name, each) for name, each in found.items()), *_parts(found)], goals)


def first_deadlock(quick: bool) -> Table:
    """Five philosophers: how long it takes, after loading, until a deadlock is known."""
    contenders = {
        "scenrun, all states, verdict and story": ours(PHILOSOPHERS, "whole", "auto", *seats(5)),
        "scenrun, story not shortened": ours(PHILOSOPHERS, "unshortened", "auto", *seats(5)),
        "scenrun, up to the first, with its story": ours(PHILOSOPHERS, "told", "-", *seats(5)),
        "scenrun, only the states": ours(PHILOSOPHERS, "search", "-", *seats(5)),
        "scenrun, random schedules": ours(PHILOSOPHERS, "first", "-", *seats(5)),
    }
    quicker, left_out = among_installed({"musil, up to the first": ("musil", peer("musil_states", "first", 5))})
    found = interleaved(contenders | quicker, 3 if quick else 9)
    for name, (module, commands) in _threaded(5 if quick else PATIENCE_S, 3 if quick else 9).items():
        if find_spec(module):
            found[name] = [telling(command)() for command in commands]
        elif module not in left_out:
            left_out += _left_out([module])
    rows = [_first_row(name, each) for name, each in found.items()]
    goals = [
        Goal(f"{name} < 10 ms", f"wall {wall:.1f} ms, cpu {cpu:.1f} ms", wall < 10)
        for name in contenders
        for wall, cpu in [[median(each.said[what] for each in found[name]) * 1000 for what in ("wall_s", "cpu_s")]]
    ]
    columns = ("after loading", "states", "schedules", "wall ms", "cpu ms", "found")
    return Table(f"Five philosophers, a first deadlock{left_out}", columns, rows, goals)


def _threaded(patience_s: int, seeds: int) -> dict[str, tuple[str, list[list[str]]]]:
    """Name -> module and commands of the tools that run Python's own threads, one for each seed where there is one."""
    out = {
        f"interleave-test, {strategy}": (
            "interleave_test",
            [peer("interleave_schedules", "philosophers", strategy, 5_000, seed) for seed in range(seeds)],
        )
        for strategy in ("random", "pct")
    }
    return {**out, "frontrun": ("frontrun", [frontrun("philosophers", "dpor", patience_s)])}


def _first_row(name: str, took: list[Took]) -> tuple[str, ...]:
    said = sorted((each.said for each in took), key=lambda said: float(said["wall_s"]))[len(took) // 2]
    wall, cpu = (median(each.said[what] for each in took) * 1000 for what in ("wall_s", "cpu_s"))
    counts = (f"{said[what]:,}" if what in said else "" for what in ("states", "schedules"))
    return (name, *counts, f"{wall:,.1f}", f"{cpu:,.1f}", "yes" if said.get("found", True) else f"no{_why(said)}")


def _why(said: dict[str, Any]) -> str:
    """A peer's own error."""
    return f" ({said['failed']})" if "failed" in said else ""


def frontrun(*arguments: object) -> list[str]:
    """frontrun wants to be the one that starts the program."""
    beside = Path(sys.executable).with_name("frontrun")
    return [str(beside), *peer("frontrun_schedules", *arguments)]


def random_schedules(quick: bool) -> Table:
    """Random schedules a second of a lost update and of a buffer."""
    scale = 5 if quick else 1
    contenders = {
        "lost update": (ours(LOST_UPDATE, "schedules", 200_000 // scale), 100_000),
        "buffer": (ours(BUFFER, "schedules", 60_000 // scale), 15_000),
    }
    rows: list[tuple[str, ...]] = []
    goals: list[Goal] = []
    left_out = ""
    for work, (mine, wanted) in contenders.items():
        others, left_out = among_installed(_schedulers(work, scale))
        found = interleaved({"scenrun": mine} | others, 3 if quick else 7)
        rates = {name: median(each.count / each.said["wall_s"] for each in took) for name, took in found.items()}
        rows += [
            (
                f"{work}: {name}",
                f"{rates[name]:,.0f}",
                f"{_rate(found[name]):,.0f}",
                f"{rates['scenrun'] / rates[name]:,.0f}",
            )
            for name in found
        ]
        goals.append(many(f"{work}: schedules/s, wall", rates["scenrun"], wanted))
    columns = ("", "schedules/s, wall", "schedules/s, cpu", "scenrun / it")
    return Table(f"Random schedules, one process{left_out}", columns, rows, goals)


def _schedulers(work: str, scale: int) -> dict[str, tuple[str, list[str]]]:
    name, number = ("lost_update", 1_000) if work == "lost update" else ("buffer", 300)
    out = {
        "frontrun": ("frontrun", frontrun(name, "random", number // scale)),
        "interleave-test": ("interleave_test", peer("interleave_schedules", name, "random", number // scale, 1)),
    }
    if work == "lost update":
        out["ploom, in its own order"] = ("ploom", peer("ploom_schedules", 20))
    return out


def memory(quick: bool) -> Table:
    """What a million states take, of thirteen philosophers."""
    found = [ours(PHILOSOPHERS, "memory", "-", *seats(13))().said for _ in range(1 if quick else 3)]
    names = {
        "own": "the search's own figure", "grown": "what the process has grown by", "most": "at its most",
    }  # fmt: skip
    each = {name: median(one[name] for one in found) for name in names}
    rows: list[tuple[str, ...]] = [(said, f"{each[name]:.0f}") for name, said in names.items()]
    goal = Goal("bytes a state, at the most <= 60", f"{each['most']:.0f}", each["most"] <= 60)
    return Table(f"{found[0]['states']:,} states, of thirteen philosophers", ("", "bytes a state"), rows, [goal])


if __name__ == "__main__":
    main(philosophers, buffer, first_deadlock, random_schedules, memory, measure_jobs)
