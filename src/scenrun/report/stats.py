"""The text of `scenrun stats`, at most 80 columns wide: bottleneck, threads, critical path and objects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenrun.printable import clean
from scenrun.report.aligned import WIDE, aligned, count, name_of, percent, time
from scenrun.report.stats_of_objects import cut, objects_described, ordered
from scenrun.report.width import columns, hanging, short
from scenrun.trace.analysis.critical_path import WAKING, Link
from scenrun.trace.analysis.figures import Figures, Table
from scenrun.trace.analysis.figures_of_threads import awaited, family
from scenrun.trace.analysis.spans import WAITING

MOST_PLACES = 8
LEAST = 0.005
"""The smallest share of a place, an activity or a wait that is shown."""


def described(figures: Figures) -> str:
    """The figures of a run as text."""
    parts = [_head(figures), _notes(figures), _bound(figures), *_threads(figures), _path(figures)]
    found = [lines for lines in (*parts, *objects_described(figures)) if lines]
    return "\n\n".join("\n".join(short(line, WIDE) for line in lines) for lines in found)


def _head(figures: Figures) -> list[str]:
    about = figures.about
    verdict = clean(str(about["verdict"] or "its end is not in the log"))
    lines = f"{about['lines']:,} line{'s' * (about['lines'] != 1)}"
    return [f"{name_of(about['scenario'] or 'a run')}: {verdict}, {time(about['elapsed_s'])}, {lines}"]


def _notes(figures: Figures) -> list[str]:
    return [line for note in figures.notes for line in hanging(f"note: {note}", WIDE, 2)]


def _bound(figures: Figures) -> list[str]:
    return [] if figures.bound is None else hanging(clean(f"bottleneck: {figures.bound.sentence}"), WIDE, 2)


# --- threads

_TIMES = (
    ("runs", ("running_s", "calling_s")),
    ("works", ("working_s",)),
    ("sleeps", ("sleeping_s",)),
    ("waits", ("waiting_s",)),
)


def _threads(figures: Figures) -> list[list[str]]:
    groups, threads = figures.tables.get("groups", {}), figures.tables.get("threads", {})
    if threads and not groups:
        return [_summed(threads)]
    if len(groups) < len(threads):
        counted = {f"{g} ({life['threads']:,})" if life["threads"] > 1 else g: life for g, life in groups.items()}
        return [_lives("groups", counted), _lives("threads", threads)]
    return [_lives("threads", threads)] if threads else []


def _lives(title: str, table: Table) -> list[str]:
    """A table of the threads' time by activity, with the targets that they waited for most."""
    names, left_out = cut(ordered(table))
    used = [(word, keys) for word, keys in _TIMES if any(_spent(life, keys) >= LEAST for life in table.values())]
    rows = [(title, "lived", *(word for word, _ in used))]
    for name in names:
        life = table[name]
        shares = (percent(_spent(life, keys)) for _, keys in used)
        rows.append((name_of(name), time(life["lived_s"]), *shares))
    lines = aligned(rows, indent=0)
    reasons = [
        "for" if any(_reasons(table[name]) for name in names) else "",
        *(_reasons(table[name]) for name in names),
    ]
    return [line for pair in zip(lines, reasons, strict=True) for line in _beside(*pair)] + left_out


def _spent(life: dict[str, Any], keys: Sequence[str]) -> float:
    """The share of its life that a thread spent in these activities."""
    lived: float = life["lived_s"]
    return sum(life[key] for key in keys) / lived if lived > 0 else 0.0


def _beside(line: str, reasons: str) -> list[str]:
    """The reasons behind the line, or below it if they do not fit."""
    if not reasons or columns(line) + 2 + columns(reasons) <= WIDE:
        return [f"{line}  {reasons}".rstrip()]
    return [line, *hanging("    for " + reasons, WIDE, 4)]


def _reasons(life: dict[str, Any]) -> str:
    """The three targets of waits with the largest shares."""
    long = [one for one in life["waits"] if one["share"] >= LEAST][:3]
    return ", ".join(f"{awaited(one['op'], name_of(one['object'], 24))} {percent(one['share'])}" for one in long)


def _summed(threads: Table) -> list[str]:
    """A table of the threads, from the figures of a run's last line."""
    names, left_out = cut(ordered(threads))
    rows: list[tuple[str, ...]] = [("threads", "lived", "worked", "slept", "waited", "messages")]
    for name in names:
        life = threads[name]
        times = (life.get(key) for key in ("lived_s", "worked_s", "slept_s", "waited_s"))
        rows.append((name_of(name), *map(time, times), count(life.get("messages"))))
    return aligned(rows, indent=0) + left_out


# --- the critical path


def _path(figures: Figures) -> list[str]:
    total = sum(link.seconds for link in figures.path)
    if total <= 0:
        return []
    places = _merged(figures.path)
    rows = [("critical path", "time", "share", "")]
    shown = [one for one in places[:MOST_PLACES] if one[1][0] >= LEAST * total]
    for (group, what, line, name), (seconds, threads) in shown:
        many = f" ({len(threads):,} threads)" if len(threads) > 1 else ""
        who = name_of(next(iter(threads)) if len(threads) == 1 else group) + many
        rows.append((who, time(seconds), percent(seconds / total), _doing(what, line, name)))
    lines = aligned(rows, left=(0, 3), indent=0)
    left_out = places[len(shown) :]
    if left_out:
        rest = sum(seconds for _, (seconds, _) in left_out)
        lines.append(f"and {len(left_out):,} more places, {time(rest)}")
    return lines


def _merged(
    path: Sequence[Link],
) -> list[tuple[tuple[str, str, int | None, str | None], tuple[float, dict[str, None]]]]:
    """The places of the path, with the threads of a group merged, the longest first."""
    out: dict[tuple[str, str, int | None, str | None], tuple[float, dict[str, None]]] = {}
    for link in path:
        place = family(link.thread), link.what, link.line, None if link.object is None else family(link.object)
        seconds, threads = out.get(place, (0.0, {}))
        threads[link.thread] = None
        out[place] = seconds + link.seconds, threads
    return sorted(out.items(), key=lambda item: -item[1][0])


def _doing(what: str, line: int | None, name: str | None) -> str:
    words = {WAKING: "waking up", WAITING: "waiting"}.get(what, what)
    of = f" ({name_of(name, 20)})" if name else ""
    return f"{words}{of}" + (f", line {line}" if line is not None else "")
