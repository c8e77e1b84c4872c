"""Logs as traces and diagrams, and the rules of both formats."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from shipped import counts

import scenrun
from scenrun.report.mermaid import Diagram
from scenrun.trace.analysis.reading import Reading

ROOT = Path(__file__).parents[2]
SCENARIOS = sorted((ROOT / "scenarios").rglob("*.yaml"))
REQUIRED = {
    "X": {"name", "cat", "ts", "dur", "pid", "tid", "args"},
    "M": {"name", "pid", "tid", "args"},
    "C": {"name", "ts", "pid", "args"},
    "i": {"name", "ts", "pid", "tid", "s"},
    "s": {"name", "cat", "id", "ts", "pid", "tid"},
    "f": {"name", "cat", "id", "ts", "pid", "tid", "bp"},
}
"""The keys that a record of each phase must have; no other phases are written."""
_ACTOR = r"p\d+"
_WORDS = r"(?:[^#;\n%{}$`\"<&]|#\d+;)+"
"""Text in which nothing means anything to Mermaid."""
_LINES = [
    re.compile(pattern)
    for pattern in (
        rf"participant {_ACTOR} as {_WORDS}",
        rf"Note over {_ACTOR}(?:,{_ACTOR})?: {_WORDS}",
        rf"{_ACTOR}(?:->>|-->>|-x|-\))[+-]?{_ACTOR}: {_WORDS}",
        rf"title {_WORDS}",
    )
]


def check_grammar(text: str) -> int:
    """How many messages and notes a diagram has; fails where it is not one of Mermaid's sequence diagrams."""
    first, *lines = text.removesuffix("\n").split("\n")
    assert first == "sequenceDiagram"
    known: set[str] = set()
    held: dict[str, int] = defaultdict(int)
    for each in (each.strip() for each in lines):
        assert any(pattern.fullmatch(each) for pattern in _LINES), each
        head = each.partition(": ")[0]
        assert head.partition(" as ")[2].lower() != "end"
        actors = re.findall(_ACTOR, head)
        if each.startswith("participant"):
            assert actors[0] not in known
            known.add(actors[0])
        elif not each.startswith("title"):
            assert set(actors) <= known, each
        if ">>+" in head:
            held[actors[1]] += 1
        elif ">>-" in head:
            held[actors[0]] -= 1
            assert held[actors[0]] >= 0, each
    return sum(not each.strip().startswith(("participant", "title")) for each in lines)


def log_of(scenario: Path, folder: Path, real: bool = False, **options: Any) -> Path:
    """The log of a scenario at debug level."""
    path = folder / f"{scenario.stem}.jsonl"
    run = scenrun.run if real else scenrun.simulate
    run(scenario, **{"level": "debug", "log": path, "overrides": counts(scenario), **options})
    return path


def drawn(events: Iterable[dict[str, Any]], limit: int = 200) -> str:
    """The diagram of events."""
    file = io.BytesIO()
    diagram = Diagram(file, limit)
    for event in events:
        diagram.take(event)
    diagram.close()
    return file.getvalue().decode()


def line(seq: int, name: str, at: float, thread: str = "main", **more: Any) -> dict[str, Any]:
    """An event as a log has it."""
    return {"run": "r", "seq": seq, "event": name, "level": "info", "elapsed_s": at, "thread": thread, **more}


def broken_rules(trace: dict[str, Any]) -> Iterator[str]:
    """Every rule of the Trace Event Format, and of its two readers, that a trace breaks."""
    assert set(trace) == {"displayTimeUnit", "traceEvents", "metadata"}
    assert trace["displayTimeUnit"] in ("ms", "ns")
    records = trace["traceEvents"]
    named = {(r["pid"], r["tid"]) for r in records if r["name"] == "thread_name"}
    processes = {r["pid"] for r in records if r["name"] == "process_name"}
    for record in records:
        missing = REQUIRED[record["ph"]] - set(record)
        if missing:
            yield f"{record} has no {missing}"
        if any(type(record[key]) is not int or record[key] < 0 for key in ("pid", "tid")):
            yield f"{record}: a process or track is no number"
        if any(type(record[key]) not in (int, float) or record[key] < 0 for key in {"ts", "dur"} & set(record)):
            yield f"{record}: a time is no number, or negative"
        if not isinstance(record["name"], str) or not record["name"].isprintable() or len(record["name"]) > 120:
            yield f"{record}: the name is no short text"
        if record["pid"] not in processes or (record["ph"] in "Xisf" and (record["pid"], record["tid"]) not in named):
            yield f"{record} lies on a track without a name"
        if record["ph"] == "C" and not all(type(v) in (int, float) for v in record["args"].values()):
            yield f"{record} counts what is no number"
        if record["ph"] == "i" and record["s"] not in ("t", "p", "g"):
            yield f"{record} has no scope"
    if len({tid for _, tid in named}) != len(named):
        yield "two tracks have one number"
    yield from _crossing(records)
    yield from _loose_arrows(records)


def slices_of(trace: dict[str, Any], category: str) -> list[dict[str, Any]]:
    """The slices of a category, each with the `track` it lies on."""
    names = names_of(trace)
    slices = [r for r in trace["traceEvents"] if r["ph"] == "X" and r["cat"] == category]
    return [{**r, "track": names[r["tid"]]} for r in slices]


def _crossing(records: list[dict[str, Any]]) -> Iterator[str]:
    """Slices of one track that overlap without nesting, in the order that Perfetto sorts them: the longer one first."""
    for track, slices in by_track(records, "X").items():
        open_: list[int] = []
        for ts, dur, name in sorted((ns(r["ts"]), -ns(r["dur"]), r["name"]) for r in slices):
            while open_ and open_[-1] <= ts:
                open_.pop()
            if open_ and ts - dur > open_[-1]:
                yield f"{name} at {ts} ns crosses a slice of track {track}"
            open_.append(ts - dur)


def _loose_arrows(records: list[dict[str, Any]]) -> Iterator[str]:
    """Arrows that do not begin and end once, go back in time, or have no slice at an end that stands before them."""
    ends: dict[str, dict[int, dict[str, Any]]] = {"s": {}, "f": {}}
    for before, record in pairwise(records):
        if record["ph"] in ends:
            if record["id"] in ends[record["ph"]]:
                yield f"{record} is there twice"
            ends[record["ph"]][record["id"]] = record
            if (before["ph"], before["ts"], before["tid"]) != ("X", record["ts"], record["tid"]):
                yield f"{record} has no slice"
    if ends["s"].keys() != ends["f"].keys():
        yield "an arrow has one end only"
    for arrow, start in ends["s"].items():
        if arrow in ends["f"] and ends["f"][arrow]["ts"] < start["ts"]:
            yield f"{start} goes back in time"


def names_of(trace: dict[str, Any]) -> dict[int, str]:
    """The names of the tracks."""
    return {r["tid"]: r["args"]["name"] for r in trace["traceEvents"] if r["name"] == "thread_name"}


def by_track(records: list[dict[str, Any]], phase: str) -> dict[int, list[dict[str, Any]]]:
    """The records of a phase by the track they lie on."""
    out: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for record in records:
        if record["ph"] == phase:
            out[record["tid"]].append(record)
    return out


def ns(microseconds: float) -> int:
    """Microseconds as Perfetto rounds them."""
    return round(microseconds * 1_000)


def read(path: Path) -> list[dict[str, Any]]:
    """The events of a log."""
    with path.open("rb") as file:
        return list(Reading(file, str(path)))
