"""Collects the data of a run's page in one pass over the log."""

from __future__ import annotations

from collections import Counter
from typing import Any

from scenrun.printable import excerpt
from scenrun.report.page.bars import MOST_BARS, Bars
from scenrun.report.page.columns import MOST_LINES, Lines, Names, Places, ns_of
from scenrun.report.page.depths import Depths
from scenrun.report.page.texts import all_harmless, harmless, lines_of, value_text
from scenrun.trace.analysis.figures import Measuring
from scenrun.trace.analysis.reading import Event, Reading
from scenrun.trace.analysis.spans import Spans
from scenrun.trace.analysis.stretches import MOST_STRETCHES, Stretch

FORM = 1
"""The version of the data's form, which the page's script expects."""
_MOST_FINDINGS = 1_000
_CLOCKS = {"run": "wall time", "simulate": "virtual time"}
_FACTS = ("way", "seed", "scenrun", "python", "platform", "cpus", "gil", "scheduler", "log_level", "digest", "run")


class Collected:
    """Takes the lines of a run, and gives the data of its page."""

    def __init__(self, most_lines: int = MOST_LINES, most_bars: int = MOST_BARS) -> None:
        self.threads, self.objects = Names(), Names()
        self.workers, self._worker_of = Names(), dict[str, str]()
        self.places = Places()
        self.lines = Lines(self.threads, self.objects, most_lines)
        self.bars = Bars(self.threads, self.objects, most_bars)
        self.depths = Depths(self.objects)
        self.spans = Spans(self.bars.take)
        self.measuring = Measuring(is_path_drawn=True)
        self.opening: Event = {}
        self.finished: Event = {}
        self.findings: list[dict[str, Any]] = []
        self.reached: Counter[int] = Counter()
        """How many events are about each line of the file."""
        self.stretches: list[Stretch] = []
        """The critical path, once the log has ended."""

    def take(self, event: Event) -> None:
        """Takes the next line."""
        place = self.places.note(event["seq"])
        if isinstance(worker := event.get("worker"), str) and "thread" in event:
            self._worker_of[event["thread"]] = worker
        self.lines.take(event, place)
        self.depths.take(event, place)
        self.spans.take(event)
        self.measuring.take(event)
        if isinstance(line := event.get("line"), int):
            self.reached[line] += 1
        name = event["event"]
        if name == "finding":
            self._found(event, place)
        elif name == "run.started":
            self.opening = event
        elif name == "run.finished":
            self.finished = event

    def _found(self, event: Event, place: int) -> None:
        if len(self.findings) < _MOST_FINDINGS:
            threads = event.get("threads")
            self.findings.append(
                {
                    "kind": _text(event.get("kind", "?")),
                    "message": _text(event.get("message", "")),
                    "at": place,
                    "t": ns_of(event["elapsed_s"]),
                    "line": event.get("line", 0),
                    "thread": self.threads.of(event.get("thread")),
                    "threads": [_stuck(one, self.threads) for one in threads] if isinstance(threads, list) else [],
                }
            )

    def close(self) -> None:
        """Ends the open spans, at the end of the log."""
        self.spans.close()
        self.measuring.spans.close()
        self.stretches = self.measuring.path.stretches()

    def as_dict(self) -> dict[str, Any]:
        """The page's data, with all texts harmless."""
        opening = self.spans.opening
        bars, lines = self.bars.as_dict(self.places), self.lines.as_dict()
        return {
            "form": FORM,
            "scenario": harmless(opening.scenario, 200),
            "description": harmless(opening.description),
            "text": lines_of(opening.text),
            "reached": sorted(self.reached.items()),
            "steps": sorted({step.line for step in opening.steps}),
            "detailed": opening.is_detailed,
            "clock": _CLOCKS.get(opening.way, ""),
            "facts": [[name, _text(self.opening[name])] for name in _FACTS if name in self.opening],
            "end": ns_of(self.spans.ended_s),
            "count": self.places.count,
            "jumps": self.places.jumps(),
            "verdict": _verdict(self.finished),
            "findings": self.findings,
            "closing": self._closing(),
            "figures": all_harmless(self.measuring.figures().as_dict()),
            "path": self._path(),
            "lines": lines,
            "bars": bars,
            "depths": self.depths.as_list(),
            "thinned": self.depths.thinned,
            "kinds": [opening.kind(name) for name in self.objects.numbers],
            "capacities": [_number(opening.option(name, "maxsize")) for name in self.objects.numbers],
            "threads": self.threads.shown(),
            "objects": self.objects.shown(),
            "workers": [self.workers.of(self._worker_of.get(name)) for name in self.threads.numbers],
            "worker_names": self.workers.shown(),
        }

    def _path(self) -> dict[str, list[int]]:
        """The stretches of the critical path as columns."""
        stretches = self.stretches
        begins, places = [ns_of(one.begin_s) for one in stretches], [self.places.of(one.begin_seq) for one in stretches]
        return {
            "thread": [self.threads.of(one.thread) for one in stretches],
            "t": begins,
            "lasted": [max(0, ns_of(one.end_s) - begin) for one, begin in zip(stretches, begins, strict=True)],
            "at": places,
            "places": [max(0, self.places.of(one.end_seq) - at) for one, at in zip(stretches, places, strict=True)],
        }

    def _closing(self) -> dict[str, Any]:
        """The expectations and the final state in the last line."""
        state = _mapped(self.finished.get("state"))
        return {
            "expectations": all_harmless([_mapped(one) for one in _listed(self.finished.get("expectations"))]),
            "state": [[_text(name), harmless(value_text(value), 500)] for name, value in state.items()],
        }

    def notes(self) -> list[str]:
        """The parts of the run that the page does not show, a sentence each."""
        out = []
        if self.lines.left_out:
            out.append(
                f"the table has {self.places.count - self.lines.left_out:,} of {self.places.count:,} lines: "
                f"{self.lines.left_out:,} in the middle are left out; the timeline is of all"
            )
        if self.bars.merged:
            out.append(
                f"the timeline has merged bars: {self.bars.merged:,} short ones have none of their own; "
                "a merged bar is as high as its share of the time"
            )
        if len(self.stretches) == MOST_STRETCHES:
            out.append(f"the critical path is drawn with its {MOST_STRETCHES:,} longest stretches; its table is of all")
        if self.depths.thinned:
            out.append(f"{self.depths.thinned:,} sizes of queues are left out; the extremes are kept")
        if self.opening and not self.spans.opening.is_detailed:
            level = excerpt(self.spans.opening.level)
            out.append(
                f"the log is at level {level}: waits, holds and sleeps are in a log made with --level debug only"
            )
        return out


def collect(reading: Reading) -> Collected:
    """The data of a run's page, from its log."""
    collected = Collected()
    for event in reading:
        collected.take(event)
    collected.close()
    return collected


def _verdict(finished: Event) -> dict[str, Any] | None:
    if not finished:
        return None
    expected = _listed(finished.get("expected"))
    return {"word": _text(finished.get("verdict", "?")), "ok": finished.get("ok") is True,
            "expected": [_text(one) for one in expected]}  # fmt: skip


def _stuck(one: Any, threads: Names) -> dict[str, Any]:
    """A thread of a finding."""
    known = _mapped(one)
    name, line = known.get("thread"), known.get("line", 0)
    held_by = [_text(n) for n in _listed(known.get("held_by"))]
    return {
        "name": _text(name if name is not None else one),
        "thread": threads.of(name) if isinstance(name, str) else -1,
        "state": _text(known.get("state", "")),
        "operation": _text(known.get("operation", "")),
        "object": _text(known.get("object", "")),
        "held_by": held_by,
        "line": line if type(line) is int else 0,
    }


def _text(value: Any) -> str:
    return harmless(value if isinstance(value, str) else value_text(value))


def _mapped(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: Any) -> int:
    return value if type(value) is int and 0 < value < 1 << 31 else 0
