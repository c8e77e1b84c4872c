"""The figures of a run as tables for a terminal of 80 columns."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable
from typing import Any

from scenrun.analysis.critical_path import Link
from scenrun.analysis.figures import Figures, Table
from scenrun.analysis.figures_of_threads import family
from scenrun.analysis.reading import excerpt
from scenrun.report.columns import NOTHING, columns, count, duration, fitted, percent, rate, sparkline, width

WIDE = 80
NAME = 18
MOST = 20
"""Rows of a table; what is left out is counted."""
_FOR = {
    "lock.acquire": "", "semaphore.acquire": "a permit of", "queue.get": "an item in", "queue.put": "room in",
    "queue.join": "the work of", "condition.wait": "", "event.wait": "", "barrier.wait": "", "thread.join": "the end of",
    "future.result": "a result of", "pool.shutdown": "the end of",
}  # fmt: skip


def described(figures: Figures) -> str:
    """All that there is to say of a run."""
    parts: list[list[str]] = [_head(figures), *_notes(figures), _bound(figures)]
    shown = (_threads, _path, _queues, _locks, _semaphores, _pools, _conditions, _events, _barriers, _joins)
    parts += [make(figures) for make in shown]
    return "\n\n".join("\n".join(lines) for lines in parts if lines)


def _head(figures: Figures) -> list[str]:
    about = figures.about
    verdict = about["verdict"] or "no last line"
    name = fitted(about["scenario"] or "a run", 40)
    line = f"{name}: {verdict}, {duration(about['elapsed_s'])}, {about['lines']:,} lines"
    return [line]


def _notes(figures: Figures) -> list[list[str]]:
    return [_wrapped(f"note: {note}") for note in figures.notes]


def _bound(figures: Figures) -> list[str]:
    return _wrapped(figures.bound.sentence[:1].upper() + figures.bound.sentence[1:] + ".") if figures.bound else []


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(excerpt(text, 1_000), WIDE)


# --- threads


def _threads(figures: Figures) -> list[str]:
    groups, threads = figures.tables.get("groups", {}), figures.tables.get("threads", {})
    if not threads:
        return []
    if not groups:
        return _summary_of_threads(threads)
    lines = _table("threads", groups, _GROUP_HEAD, _group_row) if len(groups) < len(threads) else []
    title = "each thread" if lines else "threads"
    return [*lines, *([""] if lines else []), *_table(title, threads, _THREAD_HEAD, _thread_row)]


_THREAD_HEAD = ("", "lived", "running", "working", "sleeping", "waiting", "for")
_GROUP_HEAD = ("", "lived", "running", "working", "sleeping", "waiting", "for")


def _thread_row(name: str, life: dict[str, Any]) -> tuple[str, ...]:
    lived = life["lived_s"]
    shares = (life["running_s"] + life["calling_s"], life["working_s"], life["sleeping_s"], life["waiting_s"])
    return (
        name, duration(lived), *(percent(one / lived) if lived > 0 else NOTHING for one in shares), _waits(life["waits"]),
    )  # fmt: skip


def _group_row(name: str, life: dict[str, Any]) -> tuple[str, ...]:
    threads = life["threads"]
    return _thread_row(f"{name} ({threads:,})" if threads > 1 else name, life)


def _waits(waits: list[dict[str, Any]]) -> str:
    """The three things that were waited for most."""
    long = [one for one in waits if one["share"] >= 0.005][:3]
    return ", ".join(f"{awaited(one['op'], one['object'])} {percent(one['share'])}" for one in long)


def awaited(op: str, name: str) -> str:
    """What is waited for, in words."""
    words = _FOR.get(op, op)
    if not name:
        return words or op
    return f"{words} {fitted(name, NAME)}".strip()


def _summary_of_threads(threads: Table) -> list[str]:
    """The threads as a run's last line has them."""
    def row(name: str, life: dict[str, Any]) -> tuple[str, ...]:
        times = (life.get("worked_s"), life.get("slept_s"), life.get("waited_s"))
        return (name, duration(life.get("lived_s")), *map(duration, times), count(life.get("messages")))

    return _table("threads", threads, ("", "lived", "worked", "slept", "waited", "messages"), row)


# --- tables


Row = Callable[[str, dict[str, Any]], tuple[str, ...]]


def _table(title: str, table: Table, head: tuple[str, ...], row: Row) -> list[str]:
    """A table of those that were waited for most, and how many it leaves out."""
    names = sorted(table, key=lambda name: -_weight(table[name]))
    rows = [row(fitted(name, NAME), table[name]) for name in names[:MOST]]
    lines = _cut(columns((title, *head[1:]), rows, left=1))
    left_out = len(names) - MOST
    return [*lines, f"  and {left_out:,} more"] if left_out > 0 else lines


def _weight(figures: dict[str, Any]) -> float:
    """How long was waited in or for it."""
    if "lived_s" in figures:
        return float(figures.get("waiting_s", figures.get("waited_s", 0.0)))
    waits = (figures.get(name, {}).get("total_s", 0.0) for name in ("waited", "waited_put", "waited_get", "queued"))
    return sum(waits)


def _cut(lines: Iterable[str]) -> list[str]:
    return [line if width(line) <= WIDE else fitted_line(line) for line in lines]


def fitted_line(line: str) -> str:
    """A line that fits, its cut marked."""
    return "  " + fitted(line.strip(), WIDE - 2)


def _times(samples: dict[str, Any]) -> tuple[str, ...]:
    return tuple(duration(samples.get(name)) for name in ("total_s", "p50_s", "p99_s", "max_s"))


# --- objects


def _locks(figures: Figures) -> list[str]:
    table = figures.tables.get("locks", {})
    if not table:
        return []
    lines = _table("locks", table, ("", "acquired", "contended", "", "total", "p50", "p99", "max"), _lock_row)
    return lines


def _lock_row(name: str, lock: dict[str, Any]) -> tuple[str, ...]:
    return (name, count(lock["acquisitions"]), count(lock["contended"]), "waited", *_times(lock["waited"]))
