"""The last lines of a run on the console: its verdict, a table of its threads, and a line for each object."""

from __future__ import annotations

from typing import Any

from scenrun.printable import clean
from scenrun.report.aligned import aligned
from scenrun.report.amounts import counted, seconds
from scenrun.report.width import cut, hanging, short, wrapped
from scenrun.report.words import Event, event_in_words

MAX_ROWS = 8
_COLUMNS = (("lived", "lived_s"), ("waited", "waited_s"), ("slept", "slept_s"), ("worked", "worked_s"))
_LONGEST_NAME = 20
_UNLIMITED = 10_000
"""Columns of a table whose lines are cut afterwards."""


def ending_lines(event: Event, width: int) -> list[str]:
    """The verdict, and below it the table of threads and the lines of objects that were used."""
    return wrapped(clean(event_in_words(event)), width) + figure_lines(event.get("figures") or {}, width)


def figure_lines(figures: dict[str, Any], width: int) -> list[str]:
    """A table of threads, and a line for each object that was used."""
    lines = [cut(row, width) for row in _threads(figures.get("threads") or {})]
    return lines + [part for row in _objects(figures.get("objects") or {}) for part in hanging(row, width, 2)]


def _threads(threads: dict[str, dict[str, Any]]) -> list[str]:
    shown = dict(list(threads.items())[:MAX_ROWS])
    if not shown:
        return []
    names = [short(clean(name), _LONGEST_NAME) for name in shown]
    used = [(title, key) for title, key in _COLUMNS if any(one.get(key) for one in shown.values())]
    spoke = any(one.get("messages") for one in shown.values())
    rows = [["", *(title for title, _ in used), *["messages"] * spoke]]
    for name, one in zip(names, shown.values(), strict=True):
        rows.append([name, *(_time(one, key) for _, key in used), *[f"{one.get('messages', 0):,}"] * spoke])
    return [*aligned(rows, wide=_UNLIMITED), *_left_out(len(threads) - len(shown), "thread")]


def _time(one: dict[str, Any], key: str) -> str:
    return seconds(one[key]) if one.get(key) else "-"


def _objects(objects: dict[str, dict[str, Any]]) -> list[str]:
    told_of = [(name, text) for name, one in objects.items() if (text := _object(one))]
    lines = [f"  {clean(name)}: {text}" for name, text in told_of[:MAX_ROWS]]
    return [*lines, *_left_out(len(told_of) - len(lines), "object")]


def _object(one: dict[str, Any]) -> str:
    """The operations on an object in words; empty if there were none."""
    if one.get("puts") or one.get("gets"):
        return _queue(one)
    if one.get("acquisitions"):
        return _lock(one)
    if one.get("waits"):
        return f"{counted(one['waits'], 'wait')}{_in_all(one.get('waited'), ', ')}"
    return ""


def _queue(one: dict[str, Any]) -> str:
    facts = [f"{one.get('puts', 0):,} put{_in_all(one.get('waited_put'), ' (waited ', ')')}"]
    facts += [f"{one.get('gets', 0):,} got{_in_all(one.get('waited_get'), ' (waited ', ')')}"]
    facts += [f"at most {one.get('largest', 0):,} in it"]
    return ", ".join(facts + [f"{one.get('size', 0):,} left"] * bool(one.get("size")))


def _lock(one: dict[str, Any]) -> str:
    often, late, held = one["acquisitions"], one.get("contended", 0), one.get("held") or {}
    waited = _in_all(one.get("waited"), ", waited ") if late else ""
    facts = f"acquired {'once' if often == 1 else f'{often:,} times'}"
    facts += f" ({late:,} of them not at once{waited})" if late and often > 1 else waited
    return facts + (f", held at most {seconds(held['max_s'])}" if held.get("max_s") else "")


def _in_all(waited: dict[str, float] | None, before: str, after: str = "") -> str:
    if not waited or not waited.get("total_s"):
        return ""
    return f"{before}{seconds(waited['total_s'])} in all{after}"


def _left_out(number: int, noun: str) -> list[str]:
    return [f"  … and {counted(number, f'more {noun}')}"] if number > 0 else []
