"""The tables of locks, queues and other objects in the text of `scenrun stats`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from scenrun.report.aligned import WIDE, aligned, count, heights, name_of, number, percent, time
from scenrun.report.width import columns
from scenrun.trace.analysis.figures import Figures, Table
from scenrun.trace.analysis.operations import AWAITS

MOST = 12
"""The most names of a table; those left out are counted."""
MOST_QUEUES = 6
_TIMES = ("total_s", "p50_s", "p99_s", "max_s")
_HEAD = ("total", "p50", "p99", "max")
Lines = list[str]


def objects_described(figures: Figures) -> list[Lines]:
    """A table for each kind of object that the log has."""
    tables = figures.tables
    shown: list[tuple[str, Callable[[str, Table], Lines]]] = [
        ("queues", _queues), ("locks", _locks), ("semaphores", _locks), ("pools", _pools), ("conditions", _waits),
        ("events", _waits), ("barriers", _waits), ("joins", _joins),
    ]  # fmt: skip
    return [describe(name, tables[name]) for name, describe in shown if tables.get(name)]


def ordered(table: Table) -> list[str]:
    """The names by total wait, longest first; main, which waits for all others, is last."""
    return sorted(table, key=lambda name: (name == "main", -_weight(table[name])))


def _weight(figures: dict[str, Any]) -> float:
    if "lived_s" in figures:
        return float(figures.get("waiting_s", figures.get("waited_s", 0.0)))
    waits = (figures.get(name, {}).get("total_s", 0.0) for name in ("waited", "waited_put", "waited_get", "queued"))
    return float(sum(waits))


def cut(names: Sequence[str], most: int = MOST) -> tuple[Sequence[str], Lines]:
    """The first names, and a line with the number of those left out."""
    left_out = len(names) - most
    return names[:most], [f"and {left_out:,} more"] if left_out > 0 else []


def _times(samples: dict[str, Any]) -> tuple[str, ...]:
    return tuple(time(samples.get(name)) for name in _TIMES)


# --- locks, semaphores, pools


def _locks(title: str, table: Table) -> Lines:
    names, left_out = cut(ordered(table))
    rows: list[tuple[str, ...]] = [(title, "acquired", "contended", "", *_HEAD)]
    below: dict[int, str] = {}
    for name in names:
        lock = table[name]
        rows.append(
            (
                name_of(name),
                count(lock.get("acquisitions", 0)),
                _contended(lock),
                "waited",
                *_times(lock.get("waited", {})),
            )
        )
        if lock.get("held", {}).get("total_s"):
            rows.append(("", "", "", "held", *_times(lock["held"])))
        if "longest_holder" in lock:
            below[len(rows)] = _longest(lock["longest_holder"])
    lines = aligned(rows, left=(0, 3), indent=0)
    return _with(lines, below) + left_out


def _with(lines: Lines, below: dict[int, str]) -> Lines:
    """Lines with further ones inserted; the keys are the numbers of lines above them."""
    out = []
    for at, line in enumerate(lines, 1):
        out.append(line)
        if at in below:
            out.append(below[at])
    return out


def _contended(lock: dict[str, Any]) -> str:
    share = lock.get("contended_share")
    if share is None and lock.get("acquisitions", 0):
        share = lock.get("contended", 0) / lock.get("acquisitions", 0)
    return percent(share)


def _longest(hold: dict[str, Any]) -> str:
    where = f", line {hold['line']}" if hold["line"] is not None else ""
    return f"    held longest by {name_of(hold['thread'], 24)}{where}: {time(hold['seconds'])} from {time(hold['at_s'])} on"


def _pools(title: str, table: Table) -> Lines:
    names, left_out = cut(ordered(table))
    rows: list[tuple[str, ...]] = [(title, "tasks", "workers", "busy", "", *_HEAD)]
    for name in names:
        pool = table[name]
        used = percent(pool.get("utilisation_share"))
        rows.append(
            (
                name_of(name),
                count(pool.get("tasks", 0)),
                count(pool.get("workers")),
                used,
                "queued",
                *_times(pool.get("queued", {})),
            )
        )
        rows.append(("", "", "", "", "served", *_times(pool.get("served", {}))))
    return aligned(rows, left=(0, 4), indent=0) + left_out


# --- events, barriers, conditions, joins

_COUNTS = (("timed_out", "timed out"), ("sets", "sets"), ("clears", "clears"), ("notifies", "notifies"))


def _waits(title: str, table: Table) -> Lines:
    names, left_out = cut(ordered(table))
    used = [(key, word) for key, word in _COUNTS if any(one.get(key) for one in table.values())]
    rows: list[tuple[str, ...]] = [(title, "waits", *(word for _, word in used), *_HEAD)]
    below: dict[int, str] = {}
    for name in names:
        one = table[name]
        rows.append(
            (
                name_of(name),
                count(one.get("waits", 0)),
                *(count(one.get(key, 0)) for key, _ in used),
                *_times(one.get("waited", {})),
            )
        )
        if one.get("last_to_arrive"):
            below[len(rows)] = _last(one["last_to_arrive"])
    return _with(aligned(rows, indent=0), below) + left_out


def _last(arrivals: list[dict[str, Any]]) -> str:
    rounds = sum(one["times"] for one in arrivals)
    most = arrivals[0]
    often = f"{most['times']:,} of {rounds:,} times"
    return f"    last to arrive most often: {name_of(most['thread'], 24)}, {often}"


def _joins(title: str, table: Table) -> Lines:
    names, left_out = cut(ordered(table))
    rows: list[tuple[str, ...]] = [("joins", "waits", *_HEAD)]
    for name in names:
        one = table[name]
        rows.append((name_of(joined(name)), count(one.get("waits", 0)), *_times(one.get("waited", {}))))
    return aligned(rows, indent=0) + left_out


def joined(name: str) -> str:
    """The target of a join in words."""
    op, _, awaited = name.partition(" ")
    return f"{AWAITS.get(op, op).removeprefix('the ').removeprefix('a ')} {awaited or 'a task'}"


# --- queues


def _queues(title: str, table: Table) -> Lines:
    names, left_out = cut(ordered(table), MOST_QUEUES)
    lines: Lines = [title]
    for name in names:
        lines += _queue(name, table[name])
    return lines + left_out


def _queue(name: str, queue: dict[str, Any]) -> Lines:
    rows: list[tuple[str, ...]] = [("", *_HEAD)]
    for word, key in (("waited to put", "waited_put"), ("waited to get", "waited_get"), ("inside", "inside")):
        if key in queue:
            rows.append((word, *_times(queue[key])))
    return [_in_and_out(name, queue), *_sizes(queue), *aligned(rows, indent=4)]


def _in_and_out(name: str, queue: dict[str, Any]) -> str:
    maxsize = queue.get("maxsize")
    kind = f" ({queue['kind']}, {f'at most {maxsize:,}' if maxsize else 'unbounded'})" if "maxsize" in queue else ""
    rate = f", {number(queue['throughput_per_s'])} a second" if "throughput_per_s" in queue else ""
    return f"  {name_of(name, 24)}{kind}: {queue.get('puts', 0):,} put, {queue.get('gets', 0):,} got{rate}"


def _sizes(queue: dict[str, Any]) -> Lines:
    if "size_mean" not in queue:
        return [f"    size: largest {queue.get('largest', 0):,}, {queue.get('size', 0):,} at the end"]
    full = f", full {_part(queue['full_share'])}" if queue["full_share"] is not None else ""
    empty = f"empty {_part(queue['empty_share'])}"
    line = f"    size: mean {number(queue['size_mean'])}, largest {queue['largest']:,}, {empty}"
    picture = heights(queue["profile"]["sizes"], WIDE - 10, max(1, queue["maxsize"] or queue["largest"]))
    lines = [f"{line}{full} of the time, {queue['size']:,} at the end"]
    return [*lines, f"    {picture}"] if columns(picture) > 1 else lines


def _part(share: float) -> str:
    return percent(share) if share > 0 else "0 %"
